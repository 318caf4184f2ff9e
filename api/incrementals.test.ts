import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeVerify } from '#catalog/pools/verification.ts';
import { moveRun } from '#catalog/runs/runs.ts';
import type { BaseOfSet, SetSummary, SetType } from '#core/backup/set-summary.ts';
import type { ResourceId, SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import type { TestApi } from '#tests/support/api.ts';
import { openTestApi } from '#tests/support/api.ts';
import { newHost, newPool, newResource } from '#tests/support/api-fixtures.ts';
import { runLine } from '#tests/support/command-line.ts';
import { sampleBatch, sampleSet } from '#tests/support/samples.ts';
import { z } from 'zod';

let api: TestApi;
let key: string;
beforeAll(async () => {
  api = await openTestApi();
  const host = await newHost(api, 'db1');
  key = host.key;
  poolId = await newPool(api, 'first', host.id);
  hostId = host.id;
});
afterAll(() => api.close());
let hostId: Awaited<ReturnType<typeof newHost>>['id'];
let poolId: Awaited<ReturnType<typeof newPool>>;

/** A database of its own, so that tests do not see each other's sets. */
interface World {
  readonly name: string;
  readonly resourceId: ResourceId;
  readonly systemId: string;
}
let worlds = 0;
const newWorld = async (): Promise<World> => {
  worlds += 1;
  const [name, systemId] = [`world${String(worlds)}`, `70000000000000000${String(worlds).padStart(2, '0')}`];
  return { name, systemId, resourceId: await newResource(api, { name, hostId, systemId }) };
};

const runShape = z.looseObject({ id: z.string(), jobId: z.string(), kind: z.string(), setId: z.string().nullable() });
const start = async (world: World, body: object) => {
  const answer = await api.ask('POST', '/api/v1/runs', { resource: world.name, pool: 'first', ...body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return runShape.parse(answer.body);
};
const orderOf = async (runId: string): Promise<unknown> =>
  (await api.ask('GET', `/agent/v1/orders/${runId}`, undefined, { as: key })).body;
const incremental = { kind: 'incremental-backup', type: 'differential' } as const;

interface Wish {
  readonly type?: SetType;
  readonly base?: SetSummary;
  /** Segment in which it ends. */
  readonly segment: number;
  readonly pool?: string;
}

/** What an agent tells after it committed a set. */
async function commit(world: World, { type = 'full', base, segment, pool = 'first' }: Wish): Promise<SetSummary> {
  const run = await start(world, { ...(type === 'full' ? { kind: 'full-backup' } : { ...incremental, type }), pool });
  const runId = parseId('run', run.id);
  const lsn = (low: string): Lsn => parseLsn(`0/${segment.toString(16)}${low}`);
  const set = setSummaryShape.parse({
    ...sampleSet(world.resourceId, runId),
    setId: run.setId,
    ...{ systemId: world.systemId, type, beginLsn: lsn('000028'), endLsn: lsn('000100'), backupEndLsn: lsn('000100') },
    ...(base === undefined ? {} : { base: linkTo(base) }),
  });
  const told = await api.ask('PUT', `/agent/v1/sets/${set.setId}`, set, { as: key });
  expect(told.status, JSON.stringify(told.body)).toBe(204);
  await moveRun(api.store.catalog, runId, 'cancelled');
  return set;
}

const linkTo = ({ setId, base, beginLsn, endLsn }: SetSummary): BaseOfSet => ({
  ...{ setId, fullSetId: base?.fullSetId ?? setId, metaSha256: 'a'.repeat(64) },
  ...{ beginLsn, endLsn, changedPages: 'page-lsn' },
});

const damage = (set: SetId): Promise<void> =>
  storeVerify(
    api.store.catalog,
    { id: set, poolId },
    {
      objects: 1,
      bytes: 1,
      sets: [set],
      damage: [{ object: 'piece', what: 'is cut' }],
    },
  );

const chainOfThree = async (world: World) => {
  const full = await commit(world, { segment: 3 });
  const first = await commit(world, { type: 'differential', base: full, segment: 4 });
  const second = await commit(world, { type: 'differential', base: first, segment: 5 });
  return { full, first, second };
};

test('K-048 the first incremental of a resource is ordered as a full, with the reason in words', async () => {
  const world = await newWorld();
  const run = await start(world, incremental);
  expect(run).toMatchObject({ kind: 'incremental-backup', setId: expect.stringMatching(/^set_/) as string });
  const order = await orderOf(run.id);
  expect(order).toMatchObject({
    kind: 'full-backup',
    setId: run.setId,
    becomesFull: `the differential backup of ${world.name} became a full: the pool holds no full set of it yet`,
  });
  expect(order).not.toHaveProperty('base');
});

test('D-024 D-025 a differential is ordered on the newest set, a cumulative on the newest full', async () => {
  const world = await newWorld();
  const { full, second } = await chainOfThree(world);
  const differential = await orderOf((await start(world, { ...incremental, source: 'content-hash' })).id);
  expect(differential).toMatchObject({
    kind: 'full-backup',
    base: { summary: second, wanted: 'differential', source: 'content-hash' },
  });
  const cumulative = await orderOf((await start(world, { ...incremental, type: 'cumulative' })).id);
  expect(cumulative).toMatchObject({ base: { summary: full, wanted: 'cumulative' } });
});

test('a set behind the point where a new timeline began is no base: the run becomes a full and names both', async () => {
  const world = await newWorld();
  const full = await commit(world, { segment: 5 });
  const log = await start(world, { kind: 'log-backup' });
  const left = { timeline: 2, branchId: 'b'.repeat(32), history: '1\t0/4000000\tno recovery target specified\n' };
  const batch = { ...sampleBatch(world.resourceId, parseId('run', log.id)), systemId: world.systemId, ...left };
  await api.ask('PUT', `/agent/v1/batches/${batch.batchId}`, batch, { as: key });
  expect(await orderOf((await start(world, incremental)).id)).toMatchObject({
    becomesFull: expect.stringContaining(
      `${full.setId} ends at LSN 0/5000100 of timeline 1, which does not lead to timeline 2`,
    ) as string,
  });
});

test('nothing builds on a damaged set, and the timeline says why it is not used', async () => {
  const world = await newWorld();
  const { full, first, second } = await chainOfThree(world);
  await damage(first.setId);
  expect(await orderOf((await start(world, incremental)).id)).toMatchObject({ base: { summary: full } });
  const { body } = await api.ask('GET', `/api/v1/resources/${world.name}/timeline`);
  expect(body).toMatchObject({
    data: [
      {
        timeline: { windows: [{ setId: full.setId }] },
        excluded: [
          { setId: first.setId, reason: 'it is damaged: piece is cut' },
          { setId: second.setId, reason: `it builds on ${first.setId}: it is damaged: piece is cut` },
        ],
      },
    ],
  });
});

test('D-001 a set is shown with what it builds on and with what cannot be restored without it', async () => {
  const world = await newWorld();
  const { full, first, second } = await chainOfThree(world);
  const shown = await api.ask('GET', `/api/v1/backup-sets/${first.setId}`);
  expect(shown.body).toMatchObject({
    needs: [{ id: full.setId, type: 'full' }],
    neededBy: [{ id: second.setId, type: 'differential' }],
    summary: { base: { setId: full.setId, changedPages: 'page-lsn' } },
  });
  const listed = await api.ask('GET', `/api/v1/backup-sets?resource=${world.name}&type=differential`);
  expect(listed.body).toMatchObject({ data: [{ id: second.setId }, { id: first.setId }] });
});

test('K-089 a plan from an incremental names every set that it reads', async () => {
  const world = await newWorld();
  await newPool(api, 'second', hostId);
  const older = await commit(world, { segment: 3, pool: 'second' });
  const { full, first, second } = await chainOfThree(world);
  const ask = (target: object, pool?: string) =>
    api.ask('POST', '/api/v1/restores/plan', {
      ...{ resource: world.name, target, pool },
      place: { kind: 'copy', directory: '/copies/world' },
    });
  expect((await ask({ at: 'immediate' })).body).toMatchObject({
    plan: { setId: second.setId, chain: [full, first, second].map(({ setId, type }) => ({ setId, type })) },
  });
  await damage(first.setId);
  expect((await ask({ at: 'immediate', setId: second.setId })).body).toMatchObject({
    code: 'restore_set_unusable',
    params: { setId: second.setId, reason: expect.stringContaining(first.setId) as string },
  });
  expect((await ask({ at: 'immediate' })).body).toMatchObject({ code: 'point_needs_excluded_set' });
  expect((await ask({ at: 'latest' })).body).toMatchObject({ code: 'point_needs_excluded_set' });
  expect((await ask({ at: 'latest' }, 'second')).body).toMatchObject({ plan: { setId: older.setId } });
});

test('the command line shows chains as trees, LSNs with their segments, and what builds on what', async () => {
  const world = await newWorld();
  const { full, first, second } = await chainOfThree(world);
  const list = ['set', 'ls', '--resource', world.name];
  const { out } = await runLine(api, list, {}, { isDrawn: true });
  expect(out).toMatch(/^SET +TYPE +RESOURCE +POOLS +ENDED +LOG +SIZE +STORED +VERIFIED +MARKS\n/);
  expect(out.split('\n').slice(1, 4)).toEqual([
    expect.stringMatching(new RegExp(`^${full.setId} +full .*0/3000028 – 0/3000100`)),
    expect.stringMatching(new RegExp(`^└ ${first.setId} +differential`)),
    expect.stringMatching(new RegExp(`^ {2}└ ${second.setId} +differential`)),
  ]);
  // A program finds the id at the begin of the line, and in the next column what it builds on.
  const piped = (await runLine(api, [...list, '--type', 'incremental'])).out;
  expect(piped.trimEnd().split('\n').slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^${first.setId} +differential on ${full.setId} `)),
    expect.stringMatching(new RegExp(`^${second.setId} +differential on ${first.setId} `)),
  ]);
  const shown = (await runLine(api, ['set', 'show', first.setId])).out;
  expect(shown).toMatch(/begin LSN +0\/4000028 in 0{7}1/);
  expect(shown).toMatch(/BAK_END_LSN +0\/4000100/);
  expect(shown).toMatch(/changed pages +by page-lsn, since 0\/3000028/);
  expect(shown).toContain(`builds on\n  ${full.setId}  full`);
  expect(shown).toContain(`needed by\n  ${second.setId}  differential`);
});

test('K-048 the command line asks for incrementals, and refuses a source for anything else', async () => {
  const world = await newWorld();
  const backup = (...args: string[]) =>
    runLine(api, ['backup', '--resource', world.name, '--pool', 'first', ...args, '--json']);
  const started = await backup('--type', 'cumulative', '--source', 'page-lsn');
  const run = runShape.parse(JSON.parse(started.out));
  const { body } = await api.ask('GET', `/api/v1/jobs/${run.jobId}`);
  expect(body).toMatchObject({ spec: { kind: 'incremental-backup', type: 'cumulative', source: 'page-lsn' } });
  const refused = await backup('--type', 'full', '--source', 'log');
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('value_malformed') as string });
});

test('sets of two databases are not compared', async () => {
  const one = await commit(await newWorld(), { segment: 3 });
  const two = await commit(await newWorld(), { segment: 3 });
  const answer = await api.ask('GET', `/api/v1/backup-sets/${one.setId}/diff/${two.setId}`);
  expect(answer.body).toMatchObject({ code: 'sets_not_comparable' });
});
