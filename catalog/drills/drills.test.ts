import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrillReport } from '#core/drill/drill-report.ts';
import type { HostId, PoolId, ResourceId, RunId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { TestCatalog } from '#tests/support/catalog.ts';
import { openTestCatalog, testIds } from '#tests/support/catalog.ts';
import { instanceIn } from '#tests/support/api-fixtures.ts';
import { sampleNoOp } from '#tests/support/samples.ts';
import {
  getReport,
  keepPlan,
  lastLogBackup,
  lastPassed,
  lastProven,
  listDrills,
  plannedDrillOf,
  closeReport,
  storeReport,
} from './drills.ts';
import { eventsAfter } from '#catalog/notices/events.ts';
import { addHost } from '#catalog/hosts.ts';
import { addJob } from '#catalog/jobs.ts';
import { addPool } from '#catalog/pools/pools.ts';
import { registerResource } from '#catalog/resources/resources.ts';
import { addRun } from '#catalog/runs/runs.ts';
import { countedOn } from '#core/drill/proof.ts';
import { drillPolicyOf, storeDrillPolicy } from './drill-policy.ts';
import { tellStaleDrills } from './stale-drills.ts';

let store: TestCatalog;
let hostId: HostId;
let poolId: PoolId;
let resourceId: ResourceId;
const db = () => store.catalog;

beforeAll(async () => {
  store = await openTestCatalog();
  [hostId, poolId] = [testIds('host'), testIds('pool')];
  await addHost(db(), { id: hostId, name: 'db1', hostname: 'db1', agentVersion: '0.1.0', keySha256: randomBytes(32) });
  const place = { kind: 'local' as const, directory: '/pool' };
  await addPool(db(), { id: poolId, name: 'p', place, isEncrypted: false, hostId, sealedSecrets: randomBytes(8) });
  resourceId = await registerResource(db(), { id: testIds('res'), hostId, name: 'main', found: instanceIn('/main') });
});
afterAll(() => store.close());

const plan: RestorePlan = {
  ...{ setId: testIds('set'), systemId: '7', serverMajor: 15, engine: 'postgresql', segmentBytes: 16 << 20 },
  ...{ asked: { at: 'latest' }, setting: { at: 'latest' }, timeline: 1, mustReach: parseLsn('0/1'), segments: [] },
  ...{ histories: {}, place: scratchPlace, tablespaceMap: {}, isOpenedAfter: true, rawBytes: 0, chain: [] },
  ...{ fetchBytes: 0, steps: [] },
};
const planned = { plan, plannedAt: instantFromMs(1_700_000_000_000), chooseSeconds: 1 };

async function newDrill(): Promise<RunId> {
  const [runId, jobId] = [testIds('run'), testIds('job')];
  const spec = sampleNoOp(hostId);
  await addJob(db(), { id: jobId, name: 'ad hoc', spec, createdBy: 'test' });
  await addRun(db(), { id: runId, jobId, spec, hostId, resourceId, startedBy: 'test' });
  await keepPlan(db(), { runId, resourceId, poolId }, planned);
  await keepPlan(db(), { runId, resourceId, poolId }, { ...planned, chooseSeconds: 2 });
  return runId;
}

const checksWithout = (lacking: readonly string[], detail = ''): DrillReport['checks'] =>
  ['opens', ...countedOn].map((name) => {
    const verdict = lacking.includes(name) ? 'skipped' : 'passed';
    return { name, verdict, detail, seconds: 0 };
  });

/** Ends a drill so many hours ago, without some of the checks; each says the same detail. */
const ended = (
  runId: RunId,
  isPassed: boolean,
  { hoursAgo = 0, lacking = [] as readonly string[], detail = '' } = {},
) =>
  storeReport(db(), { runId, resourceId }, (previousSha256) => {
    const finishedAt = instantFromMs(Date.now() - hoursAgo * 3_600_000);
    const [named, rto] = [
      { id: resourceId, name: 'main' },
      { seconds: 1, secondsByPhase: {} },
    ];
    const report: DrillReport = {
      ...{ format: 1, runId, resource: named, host: { id: hostId, name: 'h' }, pool: { id: poolId, name: 'p' } },
      ...{
        isPassed,
        isComplete: true,
        plannedAt: finishedAt,
        finishedAt,
        engine: 'postgresql',
        systemId: '7',
        setId: plan.setId,
      },
      ...{
        chain: [],
        logSegments: 0,
        timeline: 1,
        mustReach: plan.mustReach,
        rto,
        checks: checksWithout(lacking, detail),
        previousSha256,
      },
      toolVersion: '0',
    };
    const text = JSON.stringify(report);
    const sha256 = createHash('sha256').update(text).digest('hex');
    return { report, signed: { text, sha256, signature: 's', publicKey: 'k' } };
  });

const eventTypes = async (): Promise<readonly string[]> =>
  (await eventsAfter(db(), 0, 200, { resourceId })).map(({ type }) => type).filter((type) => type.startsWith('drill.'));

test('K-092 reports of a resource are a chain; the first word on a drill counts, and each is told once', async () => {
  const [first, second] = [await newDrill(), await newDrill()];
  expect(await plannedDrillOf(db(), first)).toEqual(planned);
  const a = await ended(first, true);
  expect(await ended(first, false)).toEqual(a);
  const b = await ended(second, false);
  expect(JSON.parse(a.text)).toMatchObject({ previousSha256: '' });
  expect(JSON.parse(b.text)).toMatchObject({ previousSha256: a.sha256 });
  expect((await getReport(db(), second)).text).toBe(b.text);
  expect((await lastPassed(db(), resourceId))?.runId).toBe(first);
  expect((await listDrills(db(), resourceId, 10)).map(({ runId }) => runId)).toEqual([second, first]);
  expect(await eventTypes()).toEqual(['drill.passed', 'drill.failed']);
  await expect(getReport(db(), testIds('run'))).rejects.toMatchObject({ code: 'drill_unknown' });
});

test('K-092 a report is stored before the place of its target is given back, or never: whoever asks first settles it', async () => {
  const [told, givenBack] = [await newDrill(), await newDrill()];
  const stored = await ended(told, true);
  expect([await closeReport(db(), told), await closeReport(db(), givenBack)]).toEqual([true, false]);
  expect(await ended(told, true)).toEqual(stored);
  await expect(ended(givenBack, true)).rejects.toMatchObject({ code: 'drill_report_closed' });
  expect(await closeReport(db(), givenBack)).toBe(false);
  const race = await newDrill();
  const [isStored, report] = await Promise.all([
    closeReport(db(), race),
    ended(race, true).catch((error: unknown) => error),
  ]);
  expect(isStored).toBe(!(report instanceof Error));
  // So that the tests behind find the chain as it was.
  await db().change('delete from drill where run_id = any ($1)', [[told, givenBack, race]]);
});

test('a report with half a sign in it, as an early version signed it, hides no other drill', async () => {
  const run = await newDrill();
  await ended(run, false, { detail: 'cut \ud83d' });
  const [newest, ...others] = await listDrills(db(), resourceId, 10);
  expect(newest?.runId).toBe(run);
  expect(newest?.report?.checks.map(({ detail }) => detail)).toContain('cut \ud83d');
  expect(others.length).toBeGreaterThan(0);
  await db().change('delete from drill where run_id = $1', [run]);
});

test('K-092 an old drill is told of once, and once that a fresh one has passed', async () => {
  const from = (await eventTypes()).length;
  await db().change("update drill set finished_at = now() - interval '30 hours' where is_passed");
  expect(await tellStaleDrills(db())).toBe(0);
  await storeDrillPolicy(db(), resourceId, { maxAgeHours: 24, accepted: [] });
  expect([await tellStaleDrills(db()), await tellStaleDrills(db())]).toEqual([1, 0]);
  await ended(await newDrill(), true);
  expect([await tellStaleDrills(db()), await tellStaleDrills(db())]).toEqual([1, 0]);
  expect((await eventTypes()).slice(from)).toEqual(['drill.stale', 'drill.passed', 'drill.fresh']);
});

test('K-092 a drill that proved less than the policy asks does not end the alarm, one that lacks what is accepted does', async () => {
  const from = (await eventTypes()).length;
  await db().change("update drill set finished_at = now() - interval '30 hours' where is_passed");
  await tellStaleDrills(db());
  const lesser = await newDrill();
  await ended(lesser, true, { lacking: ['canary', 'structure'] });
  expect(await tellStaleDrills(db())).toBe(0);
  expect((await lastPassed(db(), resourceId))?.runId).toBe(lesser);
  expect((await lastProven(db(), resourceId, { accepted: [] }))?.runId).not.toBe(lesser);
  await storeDrillPolicy(db(), resourceId, { maxAgeHours: 24, accepted: ['canary'] });
  expect(await tellStaleDrills(db())).toBe(0);
  await storeDrillPolicy(db(), resourceId, { maxAgeHours: 24, accepted: ['canary', 'structure'] });
  expect(await tellStaleDrills(db())).toBe(1);
  expect((await lastProven(db(), resourceId, { accepted: ['canary', 'structure'] }))?.runId).toBe(lesser);
  await storeDrillPolicy(db(), resourceId, { maxAgeHours: 24, accepted: [] });
  expect(await tellStaleDrills(db())).toBe(1);
  const told = (await eventsAfter(db(), 0, 200, { resourceId })).filter(({ type }) => type === 'drill.stale');
  expect(told.map(({ data }) => data).pop()).toMatchObject({ unproven: ['structure', 'canary'] });
  // What need not be proven may be said without an age, and then nothing is told.
  await storeDrillPolicy(db(), resourceId, { accepted: ['pages'] });
  expect(await drillPolicyOf(db(), resourceId)).toEqual({ accepted: ['pages'] });
  expect(await tellStaleDrills(db())).toBe(1);
  await storeDrillPolicy(db(), resourceId, { accepted: [] });
  expect(await drillPolicyOf(db(), resourceId)).toEqual({ accepted: [] });
  expect((await eventTypes()).slice(from)).toEqual([
    ...['drill.stale', 'drill.passed', 'drill.fresh', 'drill.stale', 'drill.fresh'],
  ]);
});

test('K-092 the last log backup that is replayed says why it wrote no canary', async () => {
  const runId = await newDrill();
  const warnings = [
    { code: 'other', detail: 'x' },
    { code: 'canary_not_written', detail: 'no lock' },
  ];
  const outcome = JSON.stringify({ state: 'warned', result: {}, warnings });
  const replayed = { resourceId, poolId, branchId: 'b', to: '0/3000000' };
  await db().change("update run set kind = 'log-backup', state = 'warned', outcome = $2 where id = $1", [
    runId,
    outcome,
  ]);
  expect(await lastLogBackup(db(), replayed)).toBeUndefined();
  await db().change(
    `insert into log_batch (id, pool_id, run_id, resource_id, system_id, branch_id, summary) values ('x', $1, $2, $3, '7', 'b', $4)`,
    [poolId, runId, resourceId, JSON.stringify({ from: '0/1000000', to: '0/2000000' })],
  );
  const reason = { code: 'canary_not_written', detail: 'no lock' };
  expect(await lastLogBackup(db(), replayed)).toEqual({ runId, reason });
  expect(await lastLogBackup(db(), { ...replayed, to: '0/1000000' })).toBeUndefined();
  await db().change("update run set outcome = outcome - 'warnings' where id = $1", [runId]);
  expect(await lastLogBackup(db(), replayed)).toEqual({ runId });
});
