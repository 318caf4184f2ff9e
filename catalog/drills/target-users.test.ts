import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostId, ResourceId, RunId } from '#core/id.ts';
import { parseInstant } from '#core/instant.ts';
import type { JobSpec, JobSpecOf } from '#core/settings/job-spec.ts';
import { instanceIn } from '#tests/support/api-fixtures.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { sampleBackup } from '#tests/support/samples.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { openRunBook } from '#catalog/runs/run-book.ts';
import { openRetry } from '#catalog/runs/retries.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { addRun, moveRun } from '#catalog/runs/runs.ts';
import { storeDrillTarget, takeDrillTarget } from './drill-targets.ts';
import { demandNoDrill, demandNotTaken } from './target-users.ts';

let store: TestCatalog;
let hostId: HostId;
let elsewhere: HostId;
let source: ResourceId;
let spare: ResourceId;
const poolId = testIds('pool');
const db = () => store.catalog;

beforeAll(async () => {
  store = await openTestCatalog();
  [hostId, elsewhere] = [await newHost('db1'), await newHost('db2')];
  [source, spare] = [await registered('main', '7000000000000000001'), await registered('spare', '7000000000000000002')];
  await storeDrillTarget(db(), { id: spare, token: 'token', markedBy: 'test' });
});
afterAll(() => store.close());

async function newHost(name: string): Promise<HostId> {
  const id = testIds('host');
  await addHost(db(), { id, name, hostname: name, agentVersion: '0.1.0', keySha256: randomBytes(32) });
  return id;
}
const registered = (name: string, systemId: string): Promise<ResourceId> =>
  registerResource(db(), { id: testIds('res'), hostId, name, found: instanceIn(`/${name}`, systemId) });

async function recorded(spec: JobSpec, state: 'queued' | 'running' = 'queued', host = hostId): Promise<RunId> {
  const [runId, jobId] = [testIds('run'), testIds('job')];
  await addJob(db(), { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(db(), { id: runId, jobId, spec, hostId: host, startedBy: 'test' });
  if (state !== 'queued') await moveRun(db(), runId, state);
  return runId;
}

const drill = (): JobSpecOf<'drill'> => ({
  ...{ kind: 'drill', hostId, poolId, sourceId: source, channels: 1, limits: {}, reconnectMinutes: 1 },
  ...{ whenBusy: 'refuse', checks: { isPageChecked: false, isStructureChecked: false, sql: [] } },
  target: { resourceId: spare, afterwards: 'close' },
});
const extractTo = (directory: string, namesFrom = source): JobSpec => ({
  ...{ kind: 'extract-set', hostId, poolId, setId: testIds('set'), what: 'x', directory, namesFrom },
  ...{ reconnectMinutes: 1, whenBusy: 'wait' },
});

function standbyBackup(): JobSpec {
  const spec = sampleBackup(source, poolId);
  return spec.kind === 'full-backup' ? { ...spec, standby: { primaryId: spare } } : spec;
}

/** Jobs that work with the spare instance, by its lane or beside it. */
const users = (): readonly JobSpec[] => [
  sampleBackup(spare, poolId),
  standbyBackup(),
  extractTo('/elsewhere', spare),
  extractTo('/spare/pg_extracted'),
  extractTo('/'),
];

test('K-092 K-105 a drill does not take an instance that an open run works with: the run is named, whatever lane it has', async () => {
  for (const spec of users()) {
    const user = await recorded(spec, 'running');
    const busy = { code: 'drill_target_busy', params: { run: user, target: 'spare' } };
    await expect(demandNoDrill(db(), { spec: drill(), hostId })).rejects.toMatchObject(busy);
    const runId = await recorded(drill(), 'running');
    await expect(takeDrillTarget(db(), { id: spare, runId })).rejects.toMatchObject(busy);
    await moveRun(db(), user, 'cancelled');
    expect(await takeDrillTarget(db(), { id: spare, runId })).toMatchObject({ resource: 'spare' });
    await moveRun(db(), runId, 'cancelled');
  }
});

test('K-105 a drill of a plan goes home where a person is refused: at its lane and at its target', async () => {
  const spec = drill();
  const [id, jobId] = [testIds('run'), testIds('job')];
  await addJob(db(), { id: jobId, name: 'weekly drill', spec, createdBy: 'test' });
  const scheduledFor = parseInstant('2026-11-21T08:00:00Z');
  await addRun(db(), { id, jobId, spec, hostId, startedBy: 'schedule', scheduledFor });
  const runs = openRunBook(db());
  expect(await runs.ticket(id)).toMatchObject({
    whenBusy: 'skip',
    sentHomeBy: ['drill_target_busy', 'drill_target_in_use'],
  });
  const byHand = await runs.ticket(await recorded(spec));
  expect([byHand.whenBusy, byHand.sentHomeBy]).toEqual(['refuse', undefined]);
  await moveRun(db(), id, 'cancelled');
  await moveRun(db(), byHand.runId, 'cancelled');
});

test('K-092 a run that waits behind the drill in the lane of the instance, or works elsewhere, does not hold the drill up', async () => {
  const others = [
    await recorded(sampleBackup(spare, poolId)),
    await recorded(sampleBackup(source, poolId), 'running'),
    await recorded(extractTo('/spare-not'), 'running'),
    await recorded(extractTo('/spar'), 'running'),
    await recorded(extractTo('/spare'), 'running', elsewhere),
  ];
  const runId = await recorded(drill(), 'running');
  await takeDrillTarget(db(), { id: spare, runId });
  for (const run of [...others, runId]) await moveRun(db(), run, 'cancelled');
});

test('K-092 K-105 while a drill has an instance, whatever would work with it is refused before it is recorded, and before it begins', async () => {
  const waiting = await Promise.all(users().map(async (spec) => ({ spec, run: await recorded(spec) })));
  const failed = await recorded(sampleBackup(spare, poolId));
  await moveRun(db(), failed, 'cancelled');
  for (const { run } of waiting.slice(1)) await moveRun(db(), run, 'cancelled');
  const runId = await recorded(drill(), 'running');
  const inUse = { code: 'drill_target_in_use', params: { run: runId, target: 'spare' } };
  await takeDrillTarget(db(), { id: spare, runId });
  for (const { spec, run } of waiting) {
    await expect(demandNoDrill(db(), { spec, hostId })).rejects.toMatchObject(inUse);
    await expect(demandNotTaken(db(), { spec, hostId, runId: run })).rejects.toMatchObject(inUse);
  }
  await expect(openRetry(db(), { of: failed, startedBy: 'test', ids: testIds })).rejects.toMatchObject(inUse);
  await demandNotTaken(db(), { spec: drill(), hostId, runId });
  await demandNotTaken(db(), { spec: sampleBackup(source, poolId), hostId, runId: testIds('run') });
  // Who came meanwhile does not end the drill: it asks for its order again after a kill.
  await recorded(extractTo('/elsewhere', spare), 'queued');
  expect(await takeDrillTarget(db(), { id: spare, runId })).toMatchObject({ runId });
  await moveRun(db(), runId, 'cancelled');
  for (const { spec, run } of waiting) await demandNotTaken(db(), { spec, hostId, runId: run });
});
