import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { CanaryWritten } from '#core/drill/canary.ts';
import type { DrillChecks, DrillFacts, DrillVerdict } from '#core/drill/drill.ts';
import { isComplete, isPassed } from '#core/drill/drill.ts';
import { fail } from '#core/errors/fail.ts';
import { parseInstant } from '#core/instant.ts';
import type { StepContext } from '#core/ports/step.ts';
import { scratchPlace } from '#core/restore/scratch-place.ts';
import { codeOf } from '#agent/file-system.ts';
import { checkPages } from '#agent/drill/check-pages.ts';
import { runDrill } from '#agent/drill/run-drill.ts';
import { writeCanary } from '#agent/drill/write-canary.ts';
import { begunScratches } from '#agent/scratch/scratch-base.ts';
import type { BackupBench } from '#tests/support/backup.ts';
import { instanceAccess, newTestId, openBackupBench } from '#tests/support/backup.ts';
import { canMount, mount, unmount } from '#tests/support/mount.ts';
import type { Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import type { RestoreBench } from '#tests/support/restore.ts';
import { openRestoreBench } from '#tests/support/restore.ts';

let postgres: Postgres;
let bench: BackupBench;
let restores: RestoreBench;
let source: InstanceAccess;
let canary: CanaryWritten;
const canaryRun = newTestId('run');
const clock = { nowMs: () => Date.now() };

beforeAll(async () => {
  postgres = await openPostgres({ major: 15, archive: true });
  bench = await openBackupBench();
  restores = openRestoreBench(bench, postgres);
  source = await instanceAccess(postgres);
  await postgres.sql('create table fixed as select g as id, md5(g::text) as text from generate_series(1, 2000) g');
  await postgres.sql('create index on fixed (id)');
  await postgres.sql(`create function stubborn() returns int language plpgsql as $$ begin loop
    begin perform pg_sleep(60); exception when query_canceled then null; end; end loop; end $$`);
  const order = bench.order(source, { archiveDirectory: postgres.archiveDirectory });
  restores.sets.push(await bench.takeFullBackup(order, bench.step(order)));
  const wanted = { database: 'postgres', staticTables: ['public.fixed'] };
  canary = await writeCanary(source, wanted, canaryRun);
  expect((await writeCanary(source, wanted, canaryRun)).seq).toBe(canary.seq);
  await restores.backUpLog(source, postgres.archiveDirectory);
});
afterAll(async () => {
  await restores.close();
  bench.close();
  await postgres.close();
});

const noSql: DrillChecks = { isPageChecked: true, isStructureChecked: true, sql: [] };

interface Drilled {
  readonly facts: DrillFacts | undefined;
  readonly outcome: Promise<DrillVerdict>;
}

/** A drill of the whole log that looks for no canary. */
function orderWithoutCanary(): OrderOf<'drill'> {
  const plan = restores.plan({ target: { at: 'latest' }, place: scratchPlace });
  const { pool, hostId } = restores.order(plan);
  return {
    ...{ kind: 'drill', runId: newTestId('run'), hostId, pool, plan, limits: {}, channels: 1 },
    ...{ resourceId: source.resourceId, sourceDirectory: postgres.dataDirectory, checks: noSql },
  };
}

/** A drill of the whole log; what it told. */
function drill(changes: Partial<OrderOf<'drill'>> = {}, circumstances: Circumstances = {}): Promise<Drilled> {
  const expected = { database: canary.database, seq: canary.seq, runId: canaryRun, at: parseInstant(canary.at) };
  return drillOf({ ...orderWithoutCanary(), canary: expected, ...changes }, circumstances);
}

interface Circumstances {
  readonly signal?: AbortSignal;
  /** Where scratch instances lie. */
  readonly root?: string;
  readonly report?: StepContext['report'];
}

async function drillOf(
  order: OrderOf<'drill'>,
  { signal = new AbortController().signal, root, report = () => undefined }: Circumstances = {},
): Promise<Drilled> {
  const told: DrillFacts[] = [];
  const work = runDrill({
    ...{ home: bench.home, root, clock, newId: newTestId, account: restores.account },
    channel: { putBatch: () => Promise.resolve() },
    programs: () => Promise.resolve([postgres.programs]),
    logDirectories: () => Promise.resolve([]),
  });
  const step = { runId: order.runId, signal, limits: () => ({}), report, log: () => undefined };
  const tell = (facts: DrillFacts): Promise<DrillVerdict> => {
    told.push(facts);
    const failed = facts.checks.filter(({ verdict }) => verdict === 'failed').map(({ name }) => name);
    const verdict = { isPassed: isPassed(facts), isComplete: isComplete(facts), failed, skipped: [] };
    return Promise.resolve({ ...verdict, rtoSeconds: 1, report: 'hash' });
  };
  const outcome = work(order, step, {
    tell,
    confirmTarget: () => Promise.resolve(),
    closeReport: () => Promise.resolve(false),
  });
  await outcome.catch(() => undefined);
  return { facts: told[0], outcome };
}

const like = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const verdicts = ({ facts }: Drilled): Record<string, string> =>
  Object.fromEntries((facts?.checks ?? []).map(({ name, verdict, detail }) => [name, `${verdict} ${detail}`]));

/** What would make the SQL of a drill a shell of the host, or let it leave its read only transaction. */
const refusedSql = [
  { name: 'program', statement: "copy (select 1) to program 'true'" },
  { name: 'several', statement: 'rollback; select 1' },
].map((one) => ({ ...one, database: 'postgres', expected: '1', timeoutSeconds: 10 }));

test('K-092 D-047 D-048 a drill recovers to the last log, finds the canary and static rows, and leaves nothing', async () => {
  const statement = "select count(*)::text || current_setting('transaction_read_only') from fixed";
  const sql = [
    { name: 'rows', database: 'postgres', statement, expected: '2000on', timeoutSeconds: 10 },
    { name: 'write', database: 'postgres', statement: 'delete from fixed', expected: '', timeoutSeconds: 10 },
    { name: 'slow', database: 'postgres', statement: 'select pg_sleep(20)', expected: '', timeoutSeconds: 1 },
    ...refusedSql,
  ];
  const drilled = await drill({ checks: { ...noSql, sql } });
  expect(verdicts(drilled)).toMatchObject({
    opens: like(/^passed 2 databases/),
    identity: like(new RegExp(source.systemId)),
    reached: like(/^passed LSN/),
    apart: like(/^passed/),
    canary: like(/^passed row 1 /),
    'static-tables': like(/^passed 1 tables/),
    pages: like(/^(passed [1-9]\d* pages|skipped)/),
    structure: like(/^(passed [1-9]\d* relations|skipped)/),
    'sql: rows': 'passed "2000on"',
    'sql: write': like(/read-only transaction/),
    'sql: slow': like(/statement timeout/),
    'sql: program': like(/^failed .*(superuser|pg_execute_server_program)/),
    'sql: several': like(/^failed .*multiple commands/),
  });
  expect(await drilled.outcome).toMatchObject({
    isPassed: false,
    failed: ['sql: write', 'sql: slow', 'sql: program', 'sql: several'],
  });
  expect(Object.keys(drilled.facts?.secondsByPhase ?? {})).toEqual(['fetch', 'replay', 'open', 'checks']);
  expect(begunScratches({ home: bench.home })).toEqual([]);
  expect(readdirSync(join(bench.home, 'scratch'))).toEqual([]);
});

test('K-092 a canary that was never written does not vanish: failed, or not checked, with the reason', async () => {
  for (const verdict of ['failed', 'skipped'] as const) {
    const drilled = await drillOf({ ...orderWithoutCanary(), canaryAbsent: { verdict, why: 'because' } });
    expect(verdicts(drilled)).toMatchObject({ canary: `${verdict} because` });
    expect((await drilled.outcome).isPassed).toBe(verdict === 'skipped');
  }
});

test('K-092 a canary that replay did not bring and a static table that shrank fail the drill; a told drill is only cleaned up', async () => {
  const at = parseInstant(canary.at);
  const drilled = await drill({ canary: { database: 'postgres', seq: 2, runId: newTestId('run'), at } });
  expect(verdicts(drilled)).toMatchObject({ canary: like(/^failed the row 2/) });
  expect((await drilled.outcome).isPassed).toBe(false);
  const told = { isPassed: true, isComplete: true, failed: [], skipped: [], rtoSeconds: 1, report: 'kept' };
  const again = await drill({ told });
  expect(again.facts).toBeUndefined();
  expect(await again.outcome).toBe(told);
});

test('K-092 a statement that the server cannot end fails its check; one that runs when the drill is cancelled does not hold it', async () => {
  const hanging = {
    name: 'hangs',
    database: 'postgres',
    statement: 'select stubborn()',
    expected: '',
    timeoutSeconds: 1,
  };
  const drilled = await drill({ checks: { isPageChecked: false, isStructureChecked: false, sql: [hanging] } });
  expect(verdicts(drilled)).toMatchObject({ 'sql: hangs': like(/^failed no answer within 1 s/) });
  const stopping = new AbortController();
  const sleeping = { ...hanging, statement: 'select pg_sleep(3000)', timeoutSeconds: 3600 };
  const cancelled = await drill(
    { checks: { isPageChecked: false, isStructureChecked: false, sql: [sleeping] } },
    {
      signal: stopping.signal,
      // The last look begins: wherever it is when the run is cancelled, it ends.
      report: ({ phase, filesDone, filesTotal }) => {
        if (phase !== 'check' || filesDone + 1 !== filesTotal) return;
        setTimeout(() => {
          stopping.abort(fail('cancelled', { what: 'the run' }));
        }, 1000);
      },
    },
  );
  await expect(cancelled.outcome).rejects.toMatchObject({ code: 'cancelled' });
  expect(cancelled.facts).toBeUndefined();
  expect(begunScratches({ home: bench.home })).toEqual([]);
  expect(readdirSync(join(bench.home, 'scratch'))).toEqual([]);
});

test.skipIf(!canMount)(
  'K-092 a disk that is too small, or fills up, fails the drill with its reason and leaves nothing',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'hf-full-'));
    const onDisk = async (megabytes: number, use: () => Promise<void>): Promise<void> => {
      const options = `size=${String(megabytes)}m,mode=0755`;
      expect(mount('-t', 'tmpfs', '-o', options, 'none', root)).toBe(true);
      try {
        await use();
        expect(begunScratches({ home: bench.home })).toEqual([]);
      } finally {
        unmount(root);
      }
    };
    await onDisk(24, async () => {
      const small = await drill({}, { root });
      await expect(small.outcome).rejects.toMatchObject({ code: 'space_too_little' });
      expect(verdicts(small)['opens']).toContain('space_too_little');
      expect(readdirSync(root)).toEqual([]);
    });
    // The disk had room when it was looked at, and somebody else takes it when the first file is written.
    await onDisk(200, async () => {
      const report: StepContext['report'] = ({ phase }) => {
        if (phase === 'write' && !existsSync(join(root, 'taken'))) fillUp(join(root, 'taken'));
      };
      const full = await drill({}, { root, report });
      await expect(full.outcome).rejects.toMatchObject({ code: 'target_unwritable' });
      expect(verdicts(full)['opens']).toContain('ENOSPC');
      expect(readdirSync(root)).toEqual(['taken']);
    });
    // All files are there, and the server that replays the log finds no room.
    await onDisk(200, async () => {
      const report: StepContext['report'] = ({ phase }) => {
        if (phase === 'recover' && !existsSync(join(root, 'taken'))) fillUp(join(root, 'taken'));
      };
      const full = await drill({}, { root, report });
      await expect(full.outcome).rejects.toMatchObject({ code: 'recovery_no_space' });
      expect(verdicts(full)['opens']).toContain('recovery_no_space');
      expect(readdirSync(root)).toEqual(['taken']);
    });
    rmdirSync(root);
  },
);

/** Writes until the file system is full. */
function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(1 << 20));
  } catch (error) {
    expect(codeOf(error)).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
}

test('K-092 an instance whose files would lead it to production is never started: the drill fails before it opens', async () => {
  const loud: string[] = [];
  const report: StepContext['report'] = ({ phase }) => {
    if (phase !== 'recover' || loud.length > 0) return;
    const [run = ''] = readdirSync(join(bench.home, 'scratch'));
    loud.push(join(bench.home, 'scratch', run, 'data', 'postgresql.auto.conf'));
    appendFileSync(loud[0] ?? '', "archive_mode = 'on'\nmax_logical_replication_workers = 4\n");
  };
  const drilled = await drill({}, { report });
  const found = 'archive_mode is on, max_logical_replication_workers is 4';
  await expect(drilled.outcome).rejects.toMatchObject({ code: 'copy_not_apart', params: { found } });
  expect(verdicts(drilled)['opens']).toContain('copy_not_apart');
  expect(begunScratches({ home: bench.home })).toEqual([]);
});

test('K-092 a set that cannot be restored is a failed drill with its reason; a cancelled one tells nothing', async () => {
  const plan = restores.plan({ target: { at: 'latest' }, place: scratchPlace });
  const [first] = plan.segments;
  const segments = first === undefined ? [] : [{ ...first, rawSha256: '0'.repeat(64) }];
  const drilled = await drill({ plan: { ...plan, segments } });
  await expect(drilled.outcome).rejects.toMatchObject({ code: 'restore_log_missing' });
  expect(verdicts(drilled)['opens']).toContain('restore_log_missing');
  const stopping = new AbortController();
  stopping.abort(fail('cancelled', { what: 'the run' }));
  const cancelled = await drill({}, { signal: stopping.signal });
  await expect(cancelled.outcome).rejects.toMatchObject({ code: 'cancelled' });
  expect(cancelled.facts).toBeUndefined();
  expect(begunScratches({ home: bench.home })).toEqual([]);
});

test('K-092 the pages of a restored instance are all looked at: one flipped bit is found by file and block', async () => {
  const [row] = await postgres.sql(
    "select pg_relation_filepath('fixed') as path, current_setting('data_checksums') as sums",
  );
  await postgres.sql('checkpoint');
  const { signal } = new AbortController();
  const sound = await checkPages(postgres.dataDirectory, 'postgresql', signal);
  if (row?.['sums'] !== 'on') {
    expect(sound.verdict).toBe('skipped');
    return;
  }
  expect(sound.verdict).toBe('passed');
  flip(join(postgres.dataDirectory, String(row['path'])), 8192 + 4000);
  const found = await checkPages(postgres.dataDirectory, 'postgresql', signal);
  expect(found).toMatchObject({ verdict: 'failed', detail: like(new RegExp(`${String(row['path'])} block 1`)) });
  flip(join(postgres.dataDirectory, String(row['path'])), 8192 + 4000);
});

function flip(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ 1);
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
