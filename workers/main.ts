import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { openCatalog } from '#catalog/database.ts';
import { addEvent, openOutcomeTeller } from '#catalog/notices/events.ts';
import { openJobBook } from '#catalog/runs/job-runs.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { openRuns } from '#catalog/runs/runs.ts';
import { demandOwnNamespace } from '#catalog/temporal-home.ts';
import { formatId } from '#core/id.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { readSettings } from '#core/settings/registry.ts';
import { serverSettings } from '#core/settings/server-settings.ts';
import { openTemporalClient } from '#wire/connect.ts';
import { openKeyFiles } from '#wire/key-files.ts';
import { seenNamespace } from '#wire/seen-namespace.ts';
import { openSearchIndex } from '#wire/search-attributes.ts';
import { openReadyFile } from '#wire/ready-file.ts';
import { catalogUrlOf } from '#wire/secret-text.ts';
import { temporalPlaceOf } from '#wire/temporal-place.ts';
import { serveWorkers } from '#wire/serve-workers.ts';
import { installRuntime } from '#wire/runtime.ts';
import { stopSignal } from '#wire/stop-signal.ts';
import { stepSpans } from '#wire/trace/step-spans.ts';
import { openTracer } from '#wire/trace/tracer.ts';
import { createControlWorker } from './control-worker.ts';
import { openLaneDoor } from './lane-door.ts';
import { laneEvent } from './lane-event.ts';
import { keepLanes, lanePatience } from './mend-lanes.ts';
import { runSpans } from './run-spans.ts';

/** `holdfast worker`: the control worker. Runs until SIGTERM or SIGINT, then drains. */
const log = pino({ name: 'holdfast-worker' });
const lookAtLanesMs = 30_000;
const settings = readSettings(serverSettings, process.env);
const payloadKey = openKeyFiles(settings.home);
const where = { address: settings.temporalAddress, namespace: settings.temporalNamespace };
const place = temporalPlaceOf(where, settings);
installRuntime((level, message, meta) => {
  log[level](meta, message);
});

const catalog = openCatalog(catalogUrlOf(settings));
const client = openTemporalClient(place, payloadKey);
const clock = { nowMs: () => Date.now() };
const ids: IdSource = (prefix) => formatId(prefix, clock.nowMs(), randomBytes(10));
const jobs = openJobBook(catalog, ids, () => clock.nowMs());
const search = openSearchIndex(client, clock);
const deps = {
  book: openRunBook(catalog),
  door: openLaneDoor(client),
  teller: openOutcomeTeller(catalog),
  jobs,
  search,
};
const ready = openReadyFile(settings.readyFile);
const bundlePath = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
const onTrouble = (error: unknown): void => {
  log.warn({ err: error }, 'no trace could be told');
};
const tracer = openTracer(settings, { service: 'holdfast-worker', onTrouble });
const worker = {
  ...{ namespace: place.namespace, queuePrefix: settings.queuePrefix, bundlePath, payloadKey },
  interceptors: tracer.isOn ? [runSpans({ tracer, catalog, onTrouble }), stepSpans({ tracer, clock })] : [],
};

const demandOwn = async (): Promise<void> => {
  await demandOwnNamespace(catalog, (await seenNamespace(client)) ?? { namespace: place.namespace, id: '' });
};
const stopped = stopSignal();
const mending = keepLanes(
  {
    ...{ client, queuePrefix: settings.queuePrefix, clock, door: deps.door, patience: lanePatience },
    openRuns: async () => Promise.all((await openRuns(catalog)).map(({ id }) => deps.book.ticket(id))),
    tell: async (lane) => {
      log.error({ lane }, 'a lane could not go on: it is begun anew with the runs that are in it');
      await addEvent(catalog, laneEvent(lane));
    },
  },
  {
    everyMs: lookAtLanesMs,
    demandOwn,
    onTrouble: (error) => {
      log.warn({ err: error }, 'lanes wait to be looked at');
    },
  },
  stopped,
);

await serveWorkers(
  {
    place,
    open: async (connection) => {
      // Why here, at each connection: runs of another catalog must not be worked on with this one.
      await demandOwn();
      return [await createControlWorker(connection, worker, deps)];
    },
    onServing: () => {
      ready.serving();
      log.info({ address: place.address }, 'serving the control queue');
    },
    onTrouble: (error, pauseMs) => {
      ready.notServing();
      log.warn({ err: error, pauseMs }, 'Temporal is away, trying again');
    },
  },
  stopped,
);
ready.notServing();
await mending;
await tracer.close();
await client.connection.close();
await catalog.close();
