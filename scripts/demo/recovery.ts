import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { fail } from '#core/errors/fail.ts';
import type { LiveRun } from './holdfast-client.ts';
import { copyFolder } from './left-folders.ts';
import type { Moment } from './moment.ts';
import { proveDatabase, shopDatabase } from './parts.ts';
import { flipBit, isSabotaged, polluteArchive } from './sabotage.ts';
import type { KilledFull, SetFacts } from './scenes.ts';
import type { Stage } from './stage.ts';
import { connectCopy } from './stage.ts';
import type { TableProof } from './workload.ts';
import { proveTables } from './workload.ts';

const restoreTimeoutMs = 150_000;

const notesOf = async (sql: Client): Promise<string[]> =>
  (await sql.query<{ note: string }>('select note from ledger order by id')).rows.map(({ note }) => note);

/** The ledger has a check of its own. */
const provedTables = async (sql: Client): Promise<readonly TableProof[]> =>
  (await proveTables(sql)).filter(({ table }) => table !== 'ledger');

export async function rememberMoment(stage: Stage): Promise<Moment> {
  const tables = await provedTables(stage.sql);
  const notes = await notesOf(stage.sql);
  const shop = await proveDatabase(stage, shopDatabase);
  const { rows } = await stage.sql.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  );
  return { time: rows[0]?.now ?? '', tables, notes, shop };
}

export interface Copy {
  readonly directory: string;
  readonly socket: string;
  readonly port: number;
  readonly tablespaceDirectory: string;
  readonly report: Readonly<Record<string, unknown>>;
}

/** Recovers a copy to the moment, in a directory of its own. */
export async function recoverCopy(stage: Stage, moment: Moment, set: SetFacts): Promise<Copy> {
  const directory = join(stage.folder, copyFolder);
  const tablespaceDirectory = join(stage.folder, 'copy-tablespace');
  const tablespaceMap = Object.fromEntries(set.tablespaces.map(({ oid }) => [String(oid), tablespaceDirectory]));
  const { id } = await stage.client.post<{ id: string }>('/restores', {
    resource: stage.resource,
    target: { at: 'time', time: moment.time },
    place: { kind: 'copy', directory },
    options: { channels: 2, tablespaceMap },
  });
  const live = await stage.client.untilDone(id, restoreTimeoutMs);
  return { directory, tablespaceDirectory, ...openedCopy(live) };
}

/** Where a restored copy listens. Throws `demo_run_failed` when its run did not open it. */
export function openedCopy({ run }: LiveRun): Pick<Copy, 'socket' | 'port' | 'report'> {
  const report = run.outcome?.result ?? {};
  const { socket, port } = report;
  if (typeof socket === 'string' && typeof port === 'number') return { socket, port, report };
  throw fail('demo_run_failed', { run: run.id, state: run.state, cause: 'the copy was not opened' });
}

/** Compares the copy, over its own SQL, with what the source said before. */
export async function proveCopy(stage: Stage, moment: Moment, copy: Copy): Promise<void> {
  const sql = await connectCopy(stage, copy.socket, copy.port);
  try {
    await damageCopy(stage, sql);
    const { checks } = stage;
    checks.compare(
      'content-is-equal',
      moment.tables,
      await provedTables(sql),
      `content hashes of ${String(moment.tables.length)} tables`,
    );
    checks.compare(
      'stops-at-the-last-commit',
      moment.notes,
      await notesOf(sql),
      `${String(moment.notes.length)} commits of the ledger`,
    );
    checks.compare(
      'mistake-happened',
      [false, true],
      [await hasInvoice(stage.sql), await hasInvoice(sql)],
      'table lost on the source, back on the copy',
    );
    await proveTablespace(stage, sql, copy);
    await proveIsolation(stage, sql);
  } finally {
    await sql.end();
  }
}

async function damageCopy(stage: Stage, sql: Client): Promise<void> {
  if (isSabotaged(stage, 'content-is-equal')) await sql.query(`update customer set note = 'sabotage' where id = 1`);
  if (isSabotaged(stage, 'stops-at-the-last-commit')) await sql.query(`insert into ledger (note) values ('sabotage')`);
  if (isSabotaged(stage, 'tablespace-moved')) await sql.query('alter table invoice set tablespace pg_default');
}

const hasInvoice = async (sql: Client): Promise<boolean> =>
  (await sql.query<{ found: boolean }>(`select to_regclass('public.invoice') is not null as found`)).rows[0]?.found ===
  true;

async function proveTablespace(stage: Stage, sql: Client, copy: Copy): Promise<void> {
  const { rows } = await sql.query<{ place: string }>(
    `select pg_tablespace_location(reltablespace) as place from pg_class where oid = 'public.invoice'::regclass`,
  );
  stage.checks.compare(
    'tablespace-moved',
    copy.tablespaceDirectory,
    rows[0]?.place,
    'where the copy keeps the tablespace',
  );
}

/** Production's archive, listed before the copy and after it has switched its log. */
async function proveIsolation(stage: Stage, sql: Client): Promise<void> {
  const before = readdirSync(stage.source.archiveDirectory).sort();
  await sql.query('select pg_switch_wal()');
  await sql.query('checkpoint');
  if (isSabotaged(stage, 'copy-is-isolated')) polluteArchive(stage);
  const { rows } = await sql.query<{ archive: string; listen: string }>(
    `select current_setting('archive_mode') as archive, current_setting('listen_addresses') as listen`,
  );
  const found = { ...rows[0], files: readdirSync(stage.source.archiveDirectory).sort() };
  stage.checks.compare(
    'copy-is-isolated',
    { archive: 'off', listen: '', files: before },
    found,
    'settings of the copy, archive of production',
  );
}

/** Pieces that were on their way when the agent was killed: at most one per channel. */
const channels = 2;

/**
 * Reads every byte of every set back; the number of objects read is compared with the pool's own listing. The killed set
 * may have left orphans: pieces that were put and never acknowledged.
 */
export async function verifySets(
  stage: Stage,
  { first, killed, incremental }: { first: SetFacts; killed: KilledFull; incremental: SetFacts },
): Promise<void> {
  // Why: an attempt that was made to forget what the first one stored leaves all of it as orphans.
  const forgotten = isSabotaged(stage, 'nothing-sent-again') ? killed.acknowledgedPieces : 0;
  if (isSabotaged(stage, 'sets-verify')) await flipFirstPiece(stage, first);
  for (const { set, orphans } of [
    { set: first, orphans: 0 },
    { set: killed.set, orphans: channels + forgotten },
  ]) {
    const { isWhole, objects, listed, state } = await verify(stage, set);
    const unread = listed - objects;
    const detail = `${String(objects)} of ${String(listed)} objects of ${set.id} read back, run ${state}`;
    stage.checks.record('sets-verify', isWhole && unread >= 0 && unread <= orphans, detail);
  }
  // An incremental is read with what it needs of its bases, so at least its own objects are.
  const { isWhole, objects, listed, state } = await verify(stage, incremental);
  const detail = `${String(objects)} objects of the chain of ${incremental.id} read back, run ${state}`;
  stage.checks.record('sets-verify', isWhole && objects > listed, detail);
}

interface Verified {
  readonly isWhole: boolean;
  readonly objects: number;
  /** Objects of the set alone, by the pool's own listing. */
  readonly listed: number;
  readonly state: string;
}

async function verify(stage: Stage, set: SetFacts): Promise<Verified> {
  const { id } = await stage.client.post<{ id: string }>(`/backup-sets/${set.id}/verify`, { depth: 'full' });
  const { run } = await stage.client.untilFinal(id, restoreTimeoutMs);
  const listed = (await stage.poolView.list(`sets/${set.id}/`)).length;
  const { damage, objects } = run.outcome?.result ?? {};
  const isWhole = run.state === 'succeeded' && Array.isArray(damage) && damage.length === 0;
  return { isWhole, objects: Number(objects), listed, state: run.state };
}

async function flipFirstPiece(stage: Stage, set: SetFacts): Promise<void> {
  const piece = (await stage.poolView.list(`sets/${set.id}/`)).find(({ key }) => key.includes('/piece-'));
  if (piece !== undefined) await flipBit(stage.poolView, piece.key);
}
