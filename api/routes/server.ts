import { z } from 'zod';
import { listHosts } from '#catalog/hosts.ts';
import { demandMigrated } from '#catalog/migrate.ts';
import { oldestAgentVersion } from '#core/access/version.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { productVersion } from '#core/version.ts';
import type { Context } from '../context.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { listShape, wholeList } from './words.ts';

const okShape = z.object({ ok: z.literal(true) });
const checkShape = z
  .object({ check: z.string(), verdict: z.enum(['ok', 'warn', 'fail']), detail: z.string(), hint: z.string() })
  .meta({ id: 'HealthCheck' });
type Check = z.output<typeof checkShape>;

export const serverRoutes = (context: Context): Route[] => [
  route({
    method: 'get',
    path: '/healthz',
    title: 'The process answers',
    access: 'everybody',
    status: 200,
    answer: okShape,
    serve: () => Promise.resolve({ answer: { ok: true as const } }),
  }),
  route({
    method: 'get',
    path: '/readyz',
    title: 'The catalog is there at this version and Temporal answers',
    access: 'everybody',
    status: 200,
    answer: okShape,
    serve: async () => {
      await demandMigrated(context.catalog);
      await context.runs.health();
      return { answer: { ok: true as const } };
    },
  }),
  route({
    method: 'get',
    path: '/version',
    title: 'Version of this server',
    access: 'everybody',
    status: 200,
    answer: z.object({ version: z.string(), oldestAgentVersion: z.string() }),
    serve: () => Promise.resolve({ answer: { version: productVersion, oldestAgentVersion } }),
  }),
  route({
    method: 'get',
    path: '/api/v1/health',
    title: 'Checks of the whole control plane: catalog, Temporal, control worker, hosts',
    access: { permission: 'read' },
    status: 200,
    answer: listShape(checkShape),
    serve: async () =>
      wholeList([await catalogCheck(context), ...(await temporalChecks(context)), ...(await hostChecks(context))]),
  }),
];

const fine = (check: string, detail: string): Check => ({ check, verdict: 'ok', detail, hint: '' });

function failed(check: string, cause: unknown): Check {
  if (!(cause instanceof HoldfastError)) throw cause;
  return { check, verdict: 'fail', detail: cause.message, hint: cause.hint };
}

const catalogCheck = ({ catalog }: Context): Promise<Check> =>
  demandMigrated(catalog).then(
    () => fine('catalog', 'migrated and answering'),
    (cause: unknown) => failed('catalog', cause),
  );

async function temporalChecks({ runs }: Context): Promise<Check[]> {
  try {
    const { isWorkerPolling } = await runs.health();
    const silent = fail('worker_silent', { seconds: '300' });
    return [
      fine('temporal', 'answering'),
      isWorkerPolling
        ? fine('control worker', 'polling')
        : { check: 'control worker', verdict: 'fail', detail: silent.message, hint: silent.hint },
    ];
  } catch (cause) {
    return [failed('temporal', cause)];
  }
}

async function hostChecks({ catalog }: Context): Promise<Check[]> {
  const hosts = await listHosts(catalog).catch((cause: unknown) => {
    if (cause instanceof HoldfastError) return [];
    throw cause;
  });
  return hosts.map((host) => {
    if (host.isOnline) return fine(`host ${host.name}`, `online, version ${host.agentVersion}`);
    const { message, hint } = fail('host_offline', { host: host.name });
    return { check: `host ${host.name}`, verdict: 'warn', detail: message, hint };
  });
}
