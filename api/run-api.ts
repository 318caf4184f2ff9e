import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { openCatalog } from '#catalog/database.ts';
import { demandMigrated } from '#catalog/migrate.ts';
import { fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { openKeyFiles, readPayloadKeys } from '#wire/key-files.ts';
import { formatPayloadKey } from '#wire/payload-key.ts';
import { catalogUrlOf } from '#wire/secret-text.ts';
import { temporalPlaceOf } from '#wire/temporal-place.ts';
import type { Tracer } from '#wire/trace/tracer.ts';
import { openTracer } from '#wire/trace/tracer.ts';
import type { Context } from './context.ts';
import { homeFiles } from './init.ts';
import { inOwnNamespace, refuseForeignNamespace } from './temporal/own-namespace.ts';
import { openProtections } from './protection.ts';
import { watchConditions } from './notices/watch-conditions.ts';
import { openReportSigner } from './report-key.ts';
import { watchDrills } from './watch-drills.ts';
import { readKeyFile } from './pools/key-files.ts';
import { openMetrics } from './metrics.ts';
import { openNotices } from './notices/notices.ts';
import { allRoutes } from './routes/all-routes.ts';
import type { ServerOptions } from './server.ts';
import { buildServer } from './server.ts';
import { keepSchedules } from './schedules/keep-schedules.ts';
import { openScheduleDoor } from './schedules/schedule-door.ts';
import { openLostRuns } from './temporal/lost-runs.ts';
import { resumeQueuedRuns } from './starts/start-run.ts';
import { openRunDoor } from './temporal/temporal.ts';
import { openVault } from './pools/vault.ts';

export interface RunningApi {
  /** Base URL without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ApiPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * `holdfast api`: opens catalog and Temporal, listens, and starts again what was recorded but never started.
 * Throws `key_missing`, `key_unsafe`, `catalog_unreachable`, `catalog_not_migrated`, `port_unavailable`,
 * `temporal_namespace_foreign`.
 */
export async function runApi(
  settings: ServerSettings,
  ports: ApiPorts,
  options: ServerOptions = {},
): Promise<RunningApi> {
  const files = homeFiles(settings.home);
  const ring = openKeyFiles(settings.home);
  const vault = openVault(await readKeyFile(files.masterKey));
  const catalog = openCatalog(catalogUrlOf(settings));
  await demandMigrated(catalog);
  const where = { address: settings.temporalAddress, namespace: settings.temporalNamespace };
  const place = temporalPlaceOf(where, settings);
  const client = openTemporalClient(place, ring);
  const ids: IdSource = (prefix) => formatId(prefix, ports.clock.nowMs(), randomBytes(10));
  const metrics = openMetrics({ isOpen: settings.metricsOpen === 'yes' });
  const notices = openNotices({ ...ports, catalog, vault, ids, onAttempt: metrics.countDelivery }, settings);
  const [protections, tracer] = [openProtections(catalog), tracerFor(settings, ports.log)];
  const context: Context = {
    ...{ ...ports, catalog, vault, ids, notices, metrics, tracer, protections, queuePrefix: settings.queuePrefix },
    runs: openRunDoor(client, settings.queuePrefix, ports.clock),
    schedules: openScheduleDoor(client, settings.queuePrefix, ports.clock),
    reportSigner: () => openReportSigner(files.reportKey),
    forAgents: {
      temporalAddress: settings.agentTemporalAddress ?? settings.temporalAddress,
      temporalNamespace: settings.temporalNamespace,
    },
    payloadKeys: { ring, all: () => readPayloadKeys(settings.home).map(formatPayloadKey) },
    ...webOf(settings),
  };
  await refuseForeignNamespace(context).catch(async (cause: unknown) => {
    await client.connection.close();
    await catalog.close();
    throw cause;
  });
  const server = await serverFor(settings, buildServer(context, allRoutes(context), options));
  const url = await listen(server, settings);
  notices.start();
  const stopRetry = resumeUntilDone(context);
  const stopLooking = lookForLostRuns(context);
  const stopWatching = watchConditions(context);
  const stopKeeping = keepSchedules(context);
  const stopWatchingDrills = watchDrills(context);
  return {
    url,
    close: async () => {
      stopRetry();
      stopLooking();
      stopWatching();
      stopKeeping();
      stopWatchingDrills();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await Promise.all([notices.close(), tracer.close()]);
      await client.connection.close();
      await catalog.close();
    },
  };
}

const tracerFor = (settings: ServerSettings, log: Logger): Tracer =>
  openTracer(settings, {
    service: 'holdfast-api',
    onTrouble: (error) => {
      log.warn({ err: error }, 'no trace could be told');
    },
  });

function webOf({ temporalUiUrl, temporalNamespace }: ServerSettings): Pick<Context, 'temporalWeb'> {
  if (temporalUiUrl === undefined) return {};
  return { temporalWeb: { url: temporalUiUrl.replace(/\/+$/, ''), namespace: temporalNamespace } };
}

async function serverFor({ apiTlsCert, apiTlsKey }: ServerSettings, app: Express): Promise<Server> {
  if (apiTlsCert === undefined || apiTlsKey === undefined) return createHttpServer(app);
  return createHttpsServer({ cert: await readFile(apiTlsCert), key: await readFile(apiTlsKey) }, app);
}

function listen(server: Server, { apiHost, apiPort, apiTlsCert }: ServerSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(fail('port_unavailable', { address: `${apiHost}:${String(apiPort)}`, reason: cause.message }, cause));
    });
    server.listen(apiPort, apiHost, () => {
      const { port } = server.address() as AddressInfo;
      const host = apiHost.includes(':') ? `[${apiHost}]` : apiHost;
      resolve(`${apiTlsCert === undefined ? 'http' : 'https'}://${host}:${String(port)}`);
    });
  });
}

const retryMs = 5000;
const lookEveryMs = 60_000;

/** Hands recorded runs to Temporal; tries again while Temporal is away. Returns a function that gives up. */
function resumeUntilDone(context: Context): () => void {
  let timer: NodeJS.Timeout | undefined;
  const attempt = (): void => {
    inOwnNamespace(context, () => resumeQueuedRuns(context)).then(
      (count) => {
        if (count > 0) context.log.info({ count }, 'handed recorded runs to Temporal');
      },
      (cause: unknown) => {
        context.log.warn(
          { cause: cause instanceof Error ? cause.message : 'no reason given' },
          'recorded runs wait for Temporal',
        );
        timer = setTimeout(attempt, retryMs);
      },
    );
  };
  attempt();
  return () => {
    clearTimeout(timer);
  };
}

/** Each minute; a look that fails because Temporal or the catalog is away is made again. Returns a function that ends it. */
function lookForLostRuns(context: Context): () => void {
  const look = openLostRuns(context);
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((cause: unknown) => {
        context.log.warn({ cause: cause instanceof Error ? cause.message : 'no reason given' }, 'lost runs wait');
      })
      .finally(() => {
        isLooking = false;
      });
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
  };
}
