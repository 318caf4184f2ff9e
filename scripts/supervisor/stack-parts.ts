import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { provideMinio } from '../servers/minio.mjs';
import { provideClientTools, providePostgres } from '../servers/postgres.mjs';
import { provideTemporal } from '../servers/temporal.mjs';
import type { Child, OnStart } from './child.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { openEmbeddedPostgres, provideDatabase } from './embedded-postgres.ts';
import { freePorts } from './free-port.ts';
import { startMinio } from './minio.ts';
import { requireFreePorts } from './port-holder.ts';
import { runHoldfast, startProgram } from './program.ts';
import { startTemporal } from './temporal.ts';

export type PartName = 'catalog' | 'temporal' | 'minio' | 'demo-instance' | 'api' | 'worker' | 'agent';

/** Dependency order: a level starts when the one before it is healthy; stopped in reverse. */
export const startOrder: readonly (readonly PartName[])[] = [
  ['catalog', 'temporal', 'minio', 'demo-instance'],
  ['api'],
  ['worker', 'agent'],
];

/** One port for each thing that listens. */
export interface StackPorts {
  readonly api: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly temporalHttp: number;
  readonly temporalMetrics: number;
  readonly minio: number;
}

export interface StackOptions {
  /** The one data folder; servers that run as another user must be able to enter it. */
  readonly home: string;
  readonly parts: readonly PartName[];
  /** Fixed ports of `npm start`; free ones when not given. */
  readonly ports?: StackPorts;
  readonly hasTemporalUi?: boolean;
  /** The agent finds dump tools, which the demo instance has none of; they are fetched when they can be. */
  readonly hasClientTools?: boolean;
  /** PostgreSQL of the demo instance; 18 when not given. */
  readonly instanceMajor?: 12 | 13 | 14 | 15 | 16 | 17 | 18;
  /** Lines of its configuration. */
  readonly instanceConfig?: readonly string[];
  /** More environment for api, worker and agent: `HOLDFAST_…`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Aborting while the parts start ends those that run; `openStack` then fails. */
  readonly signal?: AbortSignal;
}

export interface StackPlaces {
  readonly home: string;
  readonly agentHome: string;
  readonly apiUrl: string;
  readonly adminTokenPath: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | undefined;
  readonly catalog: EmbeddedPostgres;
  readonly instance: EmbeddedPostgres | undefined;
  readonly minio: {
    readonly endPoint: string;
    readonly port: number;
    readonly accessKey: string;
    readonly secretKey: string;
  };
  /** For `bin/holdfast.mjs` commands: HOLDFAST_API_URL, HOLDFAST_HOME. */
  readonly cliEnv: Readonly<Record<string, string>>;
}

export interface PartStarters {
  readonly places: StackPlaces;
  start(part: PartName, onStart: OnStart): Promise<Child>;
}

const host = '127.0.0.1';
const catalogMajor = 18;
const secretBytes = 18;
const enrolmentAnswer = z.looseObject({ token: z.string() });

const choosePorts = async (options: StackOptions): Promise<StackPorts> => {
  if (options.ports !== undefined) {
    await requireFreePorts(options.ports);
    return options.ports;
  }
  const [api = 0, temporal = 0, temporalUi = 0, temporalHttp = 0, temporalMetrics = 0, minio = 0] = await freePorts(6);
  return { api, temporal, temporalUi, temporalHttp, temporalMetrics, minio };
};

/** Made once, kept 0600: the same secret at each start. */
const keptSecret = (path: string): string => {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const secret = randomBytes(secretBytes).toString('base64url');
  writeFileSync(path, secret, { mode: 0o600 });
  return secret;
};

const openCatalog = async (home: string): Promise<EmbeddedPostgres> =>
  openEmbeddedPostgres({
    name: 'catalog',
    programs: await providePostgres(catalogMajor),
    folder: join(home, 'catalog'),
    config: ['shared_buffers = 64MB', 'max_connections = 100'],
  });

const openInstance = async (options: StackOptions): Promise<EmbeddedPostgres | undefined> => {
  if (!options.parts.includes('demo-instance')) return undefined;
  return openEmbeddedPostgres({
    name: 'demo instance',
    programs: await providePostgres(options.instanceMajor ?? catalogMajor),
    folder: join(options.home, 'instance'),
    isArchiving: true,
    config: ['wal_level = replica', 'max_wal_senders = 5', ...(options.instanceConfig ?? [])],
  });
};

const placesOf = async (options: StackOptions, ports: StackPorts): Promise<StackPlaces> => {
  const { home } = options;
  for (const name of ['agent', 'temporal', 'minio']) mkdirSync(join(home, name), { recursive: true, mode: 0o755 });
  const apiUrl = `http://${host}:${String(ports.api)}`;
  const secretKey = keptSecret(join(home, 'minio', 'secret'));
  const [catalog, instance] = await Promise.all([openCatalog(home), openInstance(options)]);
  return {
    home,
    agentHome: join(home, 'agent'),
    apiUrl,
    adminTokenPath: join(home, 'admin.token'),
    temporalAddress: `${host}:${String(ports.temporal)}`,
    temporalUiUrl: options.hasTemporalUi === true ? `http://${host}:${String(ports.temporalUi)}` : undefined,
    catalog,
    instance,
    minio: { endPoint: host, port: ports.minio, accessKey: 'holdfast', secretKey },
    cliEnv: { HOLDFAST_API_URL: apiUrl, HOLDFAST_HOME: home },
  };
};

const serverEnvironment = (options: StackOptions, places: StackPlaces, ports: StackPorts): Record<string, string> => ({
  ...places.cliEnv,
  HOLDFAST_CATALOG_URL: places.catalog.urlOf('holdfast'),
  HOLDFAST_TEMPORAL_ADDRESS: places.temporalAddress,
  HOLDFAST_API_PORT: String(ports.api),
  ...(places.temporalUiUrl === undefined ? {} : { HOLDFAST_TEMPORAL_UI_URL: places.temporalUiUrl }),
  ...options.env,
});

/** Why with a limit: a question that hangs would outlast the deadline of who waits for the part. */
const answers = async (url: string): Promise<boolean> => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;

/** The token under which a new agent enrols; none is needed once it has its own key. */
const enrolment = async (places: StackPlaces): Promise<Record<string, string>> => {
  if (existsSync(join(places.agentHome, 'host.json'))) return {};
  const path = join(places.agentHome, 'enrolment.token');
  const bearer = readFileSync(places.adminTokenPath, 'utf8').trim();
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const response = await fetch(`${places.apiUrl}/api/v1/hosts/enrolment-tokens`, {
    method: 'POST',
    headers,
    body: '{}',
  });
  const { token } = enrolmentAnswer.parse(await response.json());
  writeFileSync(path, token, { mode: 0o600 });
  return { HOLDFAST_ENROL_TOKEN_FILE: path };
};

/**
 * Why two majors: what 18 dumps has words that servers before 17 do not know; the oldest that fits a server is used. Without
 * them all but logical work goes on, which is then refused with a remedy.
 */
const provideDumpTools = (): Promise<readonly string[]> =>
  Promise.all([provideClientTools(16), provideClientTools(18)]).catch((error: unknown) => {
    process.stderr.write(`holdfast: no dump tools for the agent: ${String(error)}\n`);
    return [];
  });

/** True when a program has said in its log that it serves its queues. */
const saysServing = (log: string): boolean => log.includes('serving');

/** How each part is started, and where everything will be. */
export const partStarters = async (options: StackOptions): Promise<PartStarters> => {
  const ports = await choosePorts(options);
  const places = await placesOf(options, ports);
  const server = serverEnvironment(options, places, ports);
  const { instance, home, minio } = places;
  const tools = options.hasClientTools === true ? await provideDumpTools() : [];
  const starters: Record<PartName, (onStart: OnStart) => Promise<Child>> = {
    catalog: async (onStart) => {
      const child = await places.catalog.start(onStart);
      await provideDatabase(places.catalog, 'holdfast');
      return child;
    },
    temporal: async (onStart) => {
      const fixed = {
        grpc: ports.temporal,
        http: ports.temporalHttp,
        metrics: ports.temporalMetrics,
        ui: ports.temporalUi,
      };
      const folder = join(home, 'temporal');
      const hasUi = options.hasTemporalUi === true;
      const program = await provideTemporal();
      return (await startTemporal({ program, folder, ports: fixed, hasUi, isDurable: true, onStart })).child;
    },
    minio: async (onStart) =>
      (await startMinio({ program: await provideMinio(), folder: join(home, 'minio'), ...minio, onStart })).child,
    'demo-instance': async (onStart) => (instance ?? places.catalog).start(onStart),
    api: async (onStart) => {
      await runHoldfast(['init'], server);
      const isReady = (): Promise<boolean> => answers(`${places.apiUrl}/readyz`);
      return startProgram({ name: 'api', env: server, folder: home, isReady, onStart });
    },
    worker: (onStart) => startProgram({ name: 'worker', env: server, folder: home, isReady: saysServing, onStart }),
    agent: async (onStart) => {
      const given = options.env?.['HOLDFAST_POSTGRES_BIN'];
      const programs = [
        ...(given === undefined ? [] : [given]),
        ...(instance === undefined ? [] : [instance.programs]),
        ...tools,
      ];
      const found = programs.length === 0 ? {} : { HOLDFAST_POSTGRES_BIN: programs.join(':') };
      const own = { HOLDFAST_AGENT_HOME: places.agentHome, HOLDFAST_API_URL: places.apiUrl };
      const env = { ...own, ...options.env, ...found, ...(await enrolment(places)) };
      return startProgram({ name: 'agent', env, folder: home, isReady: saysServing, onStart });
    },
  };
  return { places, start: (part, onStart) => starters[part](onStart) };
};
