import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { DrillFacts, DrillVerdict } from '#core/drill/drill.ts';
import { isComplete, isPassed } from '#core/drill/drill.ts';
import type { DrillTargetOfOrder, TargetQuestion } from '#core/drill/drill-target.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import { openSession } from '#agent/database/session.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { markerName, removeMarker, writeMarker } from '#agent/datadir/writer-marker.ts';
import { askTarget } from '#agent/drill/drill-target.ts';
import { giveTargetBack } from '#agent/drill/replace-target.ts';
import { runDrill } from '#agent/drill/run-drill.ts';
import { begunTargets, writeNote } from '#agent/drill/target-note.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { canMount, mount, unmount } from '#tests/support/mount.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { Inbox } from '#tests/support/subscription.ts';
import { configOfSource, isEnabled, openInbox } from '#tests/support/subscription.ts';

let postgres: Postgres;
let spare: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let source: InstanceAccess;
const mark = { resourceId: newTestId('res'), token: 'consented' };
const markName = '.holdfast-drill-target';

let inbox: Inbox;

beforeAll(async () => {
  [postgres, spare] = await Promise.all([
    openPostgres({ major: 15, archive: true, config: configOfSource }),
    openPostgres({ major: 15 }),
  ]);
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  source = await instanceAccess(postgres);
  inbox = openInbox(postgres, source);
  await postgres.sql('create table ledger as select g as id from generate_series(1, 700) g');
  const order = bench.order(source, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  await postgres.sql('insert into ledger values (701)');
  await inbox.subscribed(() => restores.backUpLog(source, postgres.archiveDirectory));
});
afterAll(async () => {
  await restores.stop(spare.dataDirectory);
  await restores.close();
  bench.close();
  await Promise.all([postgres.close(), spare.close()]);
});

const question = (does: TargetQuestion['does'], changes: Partial<TargetQuestion> = {}): TargetQuestion => ({
  ...{ kind: 'drill-target', does, mark, dataDirectory: spare.dataDirectory, others: [postgres.dataDirectory] },
  ...{ foreignSystems: [source.systemId], ...changes },
});

const targetOf = (changes: Partial<DrillTargetOfOrder> = {}): DrillTargetOfOrder => ({
  ...{ ...mark, dataDirectory: spare.dataDirectory, others: [], port: 5999, afterwards: 'close', ...changes },
});

interface Circumstances {
  readonly signal?: AbortSignal;
  /** What the catalog says of the mark. */
  readonly confirmTarget?: (token: string) => Promise<void>;
  /** Ends the telling of a report whose answer never comes. */
  readonly loseAnswer?: () => Error;
  /** What the catalog says of the report when it is asked. */
  readonly closeReport?: () => Promise<boolean>;
}

const notAsked = (): Promise<boolean> => Promise.reject(bug('nothing was told: the report is not asked for'));

/** A drill in the place of the spare instance. */
async function drill(
  changes: Partial<OrderOf<'drill'>> = {},
  {
    signal = new AbortController().signal,
    confirmTarget = () => Promise.resolve(),
    loseAnswer,
    closeReport = notAsked,
  }: Circumstances = {},
) {
  const told: DrillFacts[] = [];
  const work = runDrill({
    ...{ home: bench.home, clock: { nowMs: () => Date.now() }, newId: newTestId, account: restores.account },
    channel: { putBatch: () => Promise.resolve() },
    programs: () => Promise.resolve([postgres.programs]),
    logDirectories: () => Promise.resolve([]),
  });
  const plan = restores.plan({ target: { at: 'latest' }, place: scratchPlace });
  const { pool, hostId } = restores.order(plan);
  const order: OrderOf<'drill'> = {
    ...{ kind: 'drill', runId: newTestId('run'), hostId, pool, plan, limits: {}, channels: 1 },
    ...{ resourceId: source.resourceId, sourceDirectory: postgres.dataDirectory, target: targetOf() },
    checks: { isPageChecked: false, isStructureChecked: false, sql: [ledger] },
    ...changes,
  };
  const step = { runId: order.runId, signal, limits: () => ({}), report: () => undefined, log: () => undefined };
  const tell = (facts: DrillFacts): Promise<DrillVerdict> => {
    told.push(facts);
    if (loseAnswer !== undefined) return Promise.reject(loseAnswer());
    const failed = facts.checks.filter(({ verdict }) => verdict === 'failed').map(({ detail }) => detail);
    const verdict = { isPassed: isPassed(facts), isComplete: isComplete(facts), failed, skipped: [] };
    return Promise.resolve({ ...verdict, rtoSeconds: 1, report: 'hash' });
  };
  const outcome = work(order, step, { tell, confirmTarget, closeReport });
  await outcome.catch(() => undefined);
  return { order, outcome };
}

const statement = 'select count(*) from ledger';
const ledger = { name: 'ledger', database: 'postgres', statement, expected: '701', timeoutSeconds: 30 };
const everything = { isPageChecked: true, isStructureChecked: true, sql: [ledger, { ...ledger, name: 'again' }] };

/** Roles with what they may do, and extensions, of an instance. */
async function restored(access: InstanceAccess): Promise<readonly unknown[]> {
  const session = await openSession(access, 'postgres');
  try {
    const roles = await session.query(
      `select r.rolname, array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid order by 1) as in_roles,
         (select count(*)::int from pg_shdepend d where d.refobjid = r.oid) as uses from pg_roles r order by 1`,
    );
    const access = await session.query('select datname, datacl::text from pg_database order by 1');
    return [...roles, ...access, ...(await session.query('select extname from pg_extension order by 1'))];
  } finally {
    await session.close();
  }
}

/** What lies beside the data directory: nothing of a drill may stay there. */
const beside = (): readonly string[] => readdirSync(dirname(spare.dataDirectory)).sort();
const inode = (): number => statSync(spare.dataDirectory).ino;

test('K-092 K-105 the source is never marked: by its name, through a link, by its system identifier, or with tablespaces of its own', async () => {
  const link = join(bench.folder, 'a-link');
  symlinkSync(postgres.dataDirectory, link);
  for (const dataDirectory of [postgres.dataDirectory, link])
    await expect(askTarget(question('mark', { dataDirectory }))).rejects.toMatchObject({
      code: 'drill_target_is_source',
    });
  const nameless = question('mark', { dataDirectory: link, others: [] });
  await expect(askTarget(nameless)).rejects.toMatchObject({ code: 'drill_target_is_source' });
  expect(existsSync(join(postgres.dataDirectory, markName))).toBe(false);
  const space = join(bench.folder, 'space');
  restores.makeTablespaceDirectory(space);
  await spare.sql(`create tablespace own location '${space}'`);
  await expect(askTarget(question('mark'))).rejects.toMatchObject({ code: 'drill_target_spaces' });
  await spare.sql('drop tablespace own');
  expect(await askTarget(question('look'))).toMatchObject({ directory: spare.dataDirectory, isRunning: true });
  expect(existsSync(join(spare.dataDirectory, markName))).toBe(false);
});

test('K-092 K-105 a drill refuses an instance without its own mark and the source by any path, before anything is touched', async () => {
  const before = [inode(), beside(), readPidFile(spare.dataDirectory)?.pid];
  const code = async (changes: Partial<DrillTargetOfOrder>): Promise<unknown> =>
    (await drill({ target: targetOf(changes) })).outcome.catch((error: unknown) => error);
  expect(await code({})).toMatchObject({ code: 'drill_target_unmarked' });
  const link = join(bench.folder, 'another-link');
  symlinkSync(postgres.dataDirectory, link);
  for (const dataDirectory of [link, postgres.dataDirectory])
    expect(await code({ dataDirectory })).toMatchObject({ code: 'drill_target_is_source' });
  await askTarget(question('mark'));
  expect(await code({ token: 'another' })).toMatchObject({ code: 'drill_target_unmarked' });
  expect(await code({ others: [spare.dataDirectory] })).toMatchObject({ code: 'drill_target_is_source' });
  // Somebody copies a marked directory: the copy is not marked.
  const copy = join(bench.folder, 'copy-of-target');
  mkdirSync(copy);
  for (const name of [markName, 'PG_VERSION']) copyFileSync(join(spare.dataDirectory, name), join(copy, name));
  expect(await code({ dataDirectory: copy })).toMatchObject({ code: 'drill_target_unmarked' });
  // Another run is about to write there.
  writeMarker(spare.dataDirectory, newTestId('run'), statSync(spare.dataDirectory));
  expect(await code({})).toMatchObject({ code: 'target_of_other_run' });
  removeMarker(spare.dataDirectory);
  expect([inode(), beside(), readPidFile(spare.dataDirectory)?.pid]).toEqual(before);
  expect(begunTargets(bench.home)).toEqual([]);
});

test('K-092 K-105 an instance whose log lies elsewhere by a link is refused by mark and drill before it is closed, and so is a link below', async () => {
  const before = [inode(), beside(), readPidFile(spare.dataDirectory)?.pid];
  for (const name of ['pg_elsewhere', join('base', 'elsewhere')]) {
    const [link, to] = [join(spare.dataDirectory, name), join(bench.folder, 'linked')];
    mkdirSync(to, { recursive: true });
    symlinkSync(to, link);
    try {
      const refused = { code: 'place_linked', params: { links: `${name} -> ${to}` } };
      await expect(askTarget(question('look'))).rejects.toMatchObject(refused);
      await expect((await drill()).outcome).rejects.toMatchObject(refused);
    } finally {
      unlinkSync(link);
    }
  }
  expect([inode(), beside(), readPidFile(spare.dataDirectory)?.pid]).toEqual(before);
  expect(begunTargets(bench.home)).toEqual([]);
});

test.skipIf(!canMount)(
  'K-092 K-105 a directory that is a mount point, or has one in it, is refused by mark and drill before it is closed',
  async () => {
    const before = [inode(), beside(), readPidFile(spare.dataDirectory)?.pid];
    const temporary = join(spare.dataDirectory, 'pg_stat_tmp');
    const mounts = [
      [spare.dataDirectory, ['--bind', spare.dataDirectory, spare.dataDirectory]],
      [temporary, ['-t', 'tmpfs', '-o', 'size=1m', 'none', temporary]],
    ] as const;
    for (const [path, args] of mounts) {
      expect(mount(...args)).toBe(true);
      try {
        const refused = { code: 'drill_target_unmovable', params: { why: `${path} is a mount point` } };
        for (const does of ['look', 'mark'] as const)
          await expect(askTarget(question(does))).rejects.toMatchObject(refused);
        await expect((await drill()).outcome).rejects.toMatchObject(refused);
      } finally {
        unmount(path);
      }
    }
    expect([inode(), beside(), readPidFile(spare.dataDirectory)?.pid]).toEqual(before);
    expect(begunTargets(bench.home)).toEqual([]);
  },
);

/** What makes a directory a data directory, taken from the source. */
function copyOfSource(directory: string): void {
  for (const name of ['PG_VERSION', 'global/pg_control'])
    cpSync(join(postgres.dataDirectory, name), join(directory, name), { recursive: true });
}

test('K-092 K-105 an instance with another one inside, or that lies inside another one, is refused by mark and drill before it is closed', async () => {
  const nested = join(spare.dataDirectory, 'other', 'data');
  const state = () => [inode(), beside(), readPidFile(spare.dataDirectory)?.pid];
  const refusal = async (others: readonly string[], code: string): Promise<void> => {
    for (const does of ['look', 'mark'] as const)
      await expect(askTarget(question(does, { others }))).rejects.toMatchObject({ code });
    await expect((await drill({ target: targetOf({ others }) })).outcome).rejects.toMatchObject({ code });
  };
  await askTarget(question('mark'));
  const before = state();
  // Registered, and on a disk that is not there now.
  await refusal([nested], 'drill_target_nested');
  await refusal([dirname(spare.dataDirectory)], 'drill_target_nested');
  copyOfSource(nested);
  try {
    await refusal([nested], 'drill_target_nested');
    await refusal([], 'holds_foreign');
    expect(state()).toEqual(before);
    expect(existsSync(join(nested, 'global', 'pg_control'))).toBe(true);
    expect(begunTargets(bench.home)).toEqual([]);
    expect(await askTarget(question('unmark', { others: [nested] }))).toMatchObject({ isRunning: true });
  } finally {
    rmSync(join(spare.dataDirectory, 'other'), { recursive: true });
  }
  await askTarget(question('mark'));
});

/** The catalog that knows no mark from its n-th answer on. */
const unmarkedFrom = (n: number): Circumstances => {
  let asked = 0;
  return {
    confirmTarget: (token) => {
      expect(token).toBe(mark.token);
      asked += 1;
      return asked < n
        ? Promise.resolve()
        : Promise.reject(fail('drill_target_unmarked', { target: 'spare', why: 'x' }));
    },
  };
};

test('K-092 K-105 a mark that is taken away meanwhile saves the instance: it is asked for before closing and before replacing', async () => {
  const [place, around, server] = [inode(), beside(), readPidFile(spare.dataDirectory)?.pid];
  await expect((await drill({}, unmarkedFrom(1))).outcome).rejects.toMatchObject({ code: 'drill_target_unmarked' });
  expect([inode(), beside(), readPidFile(spare.dataDirectory)?.pid]).toEqual([place, around, server]);
  expect(begunTargets(bench.home)).toEqual([]);
  // Only now: it is closed, and stays what it was.
  await expect((await drill({}, unmarkedFrom(2))).outcome).rejects.toMatchObject({ code: 'drill_target_unmarked' });
  expect([inode(), beside(), readPidFile(spare.dataDirectory)]).toEqual([place, around, undefined]);
  expect(begunTargets(bench.home)).toEqual([]);
});

test('K-092 of two drills that race for one instance the second is refused, and harms neither it nor the first', async () => {
  const [place, around] = [inode(), beside()];
  let second: Awaited<ReturnType<typeof drill>> | undefined;
  const stopped = fail('cancelled', { what: 'the run' });
  const first = await drill(
    {},
    {
      confirmTarget: async () => {
        second = await drill();
        throw stopped;
      },
    },
  );
  await expect(second?.outcome).rejects.toMatchObject({
    code: 'drill_target_in_use',
    params: { run: first.order.runId },
  });
  await expect(first.outcome).rejects.toBe(stopped);
  expect([inode(), beside(), begunTargets(bench.home)]).toEqual([place, around, []]);
});

test('K-092 a place that an earlier drill has not settled is not taken, and stays as it is', async () => {
  const [place, around, earlier] = [inode(), beside(), newTestId('run')];
  const { dataDirectory: directory } = spare;
  await writeNote(bench.home, earlier, { directory, mark, afterwards: 'close', isTold: false });
  await expect((await drill()).outcome).rejects.toMatchObject({
    code: 'drill_target_in_use',
    params: { run: earlier },
  });
  expect([inode(), beside(), begunTargets(bench.home)]).toEqual([place, around, [earlier]]);
  await giveTargetBack(bench.home, earlier, { closeReport: notAsked });
  expect([inode(), beside(), begunTargets(bench.home)]).toEqual([place, around, []]);
});

test('K-092 a drill that cannot restore, or is cancelled, gives the marked instance its place back', async () => {
  const [place, around] = [inode(), beside()];
  const plan = restores.plan({ target: { at: 'latest' }, place: scratchPlace });
  const segments = plan.segments.map((segment) => ({ ...segment, rawSha256: '0'.repeat(64) }));
  const damaged = await drill({ plan: { ...plan, segments } });
  await expect(damaged.outcome).rejects.toMatchObject({ code: 'restore_log_missing' });
  expect([inode(), beside()]).toEqual([place, around]);
  expect(existsSync(join(spare.dataDirectory, markerName))).toBe(false);
  const stopping = new AbortController();
  stopping.abort(fail('cancelled', { what: 'the run' }));
  await expect((await drill({}, { signal: stopping.signal })).outcome).rejects.toMatchObject({ code: 'cancelled' });
  expect([inode(), beside()]).toEqual([place, around]);
  expect(begunTargets(bench.home)).toEqual([]);
});

test('K-092 a drill that is cancelled while it tells its report gives the place back, unless the report is stored: then the copy stays', async () => {
  const place = inode();
  const lost = { loseAnswer: () => fail('cancelled', { what: 'the run' }) };
  const refused = await drill({}, { ...lost, closeReport: () => Promise.resolve(false) });
  await expect(refused.outcome).rejects.toMatchObject({ code: 'cancelled' });
  expect([inode(), begunTargets(bench.home)]).toEqual([place, []]);
  // Nobody can say: both stay, until somebody can.
  const away = () => Promise.reject(fail('api_unreachable', { url: 'http://api' }));
  const open = await drill({}, { ...lost, closeReport: away });
  await expect(open.outcome).rejects.toMatchObject({ code: 'api_unreachable' });
  expect(begunTargets(bench.home)).toEqual([open.order.runId]);
  await giveTargetBack(bench.home, open.order.runId, { closeReport: () => Promise.resolve(true) });
  expect(inode()).not.toBe(place);
  expect([beside().filter((name) => name.includes('.before-')), begunTargets(bench.home)]).toEqual([[], []]);
  expect(readPidFile(spare.dataDirectory)).toBeUndefined();
});

test('K-092 K-105 D-047 D-048 a drill replaces the marked instance, leaves it open or closed, and can do so again', async () => {
  const around = beside();
  const place = inode();
  const before = await restored(await instanceAccess(postgres));
  // Somebody else has the port of the instance: it is reached by a private socket alone.
  const other = createServer().listen(5999, '127.0.0.1');
  const [takenTo, askedBefore] = [await inbox.slot(), inbox.asked()];
  const open = await drill({
    target: targetOf({ afterwards: 'leave-open' }),
    checks: { ...everything, sql: [...everything.sql, isEnabled] },
  });
  other.close();
  expect(await open.outcome).toMatchObject({ isPassed: true, failed: [] });
  expect(inode()).not.toBe(place);
  expect(beside()).toEqual(around);
  const server = readPidFile(spare.dataDirectory);
  expect(server).toMatchObject({ isAlive: true, port: 5999, listenAddress: '' });
  // What the checks made for themselves is gone: roles are of the whole instance, not of a database.
  const socket = join(spare.dataDirectory, '.holdfast-socket');
  expect(await restored({ ...(await instanceAccess(postgres)), socket, port: 5999 })).toEqual(before);
  // Its subscription is enabled, its source has news for it, and not one message moved.
  await postgres.sql('insert into ledger values (702)');
  expect([await inbox.slot(), inbox.asked()]).toEqual([takenTo, askedBefore]);
  await postgres.sql('delete from ledger where id = 702');
  // The source goes on, and the drilled instance carries the mark that lets the next drill in.
  expect(await postgres.sql('select count(*)::text as n from ledger')).toEqual([{ n: '701' }]);
  const closed = await drill();
  expect(await closed.outcome).toMatchObject({ isPassed: true, failed: [] });
  expect(readPidFile(spare.dataDirectory)).toBeUndefined();
  expect(beside()).toEqual(around);
  // It holds the data of its source now: without its mark nothing makes it a target again.
  await askTarget(question('unmark'));
  await expect(askTarget(question('mark'))).rejects.toMatchObject({ code: 'drill_target_is_source' });
  await expect((await drill()).outcome).rejects.toMatchObject({ code: 'drill_target_unmarked' });
  await giveTargetBack(bench.home, closed.order.runId, { closeReport: notAsked });
  expect(begunTargets(bench.home)).toEqual([]);
});
