import { setTimeout as pause } from 'node:timers/promises';
import type { OrderOf } from '#core/agent/order.ts';
import type { Downstream } from '#core/backup/not-upstream.ts';
import { notUpstream } from '#core/backup/not-upstream.ts';
import type { ControlFile } from '#core/engine/control-file.ts';
import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import type { Inspected } from '#agent/database/preflight.ts';
import { readServerFacts } from '#agent/database/server-facts.ts';
import { flagOf, openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import type { Attempt } from './attempt.ts';
import { throwIfEnded } from './ended.ts';

const replayMinutes = 10;
const lookAgainMs = 100;
const archiveMs = 60_000;
/** A server that was started notes its transactions within 15 s. */
const recordMs = 30_000;

/** What preflight finds of a standby although only its primary archives. */
const ofPrimary = /^(backup_from_standby$|archive_)/;

/** The problems that stand in the way of this backup: of a standby, what concerns the archive is its primary's. */
export function problemsOf(
  { order }: Pick<Attempt, 'order'>,
  { facts, problems }: Inspected,
): readonly HoldfastError[] {
  const isAllowed = order.standby !== undefined && facts.role === 'standby';
  return isAllowed ? problems.filter(({ code }) => !ofPrimary.test(code)) : problems;
}

/**
 * Logs in to the primary of a standby that is backed up, before anything begins; undefined when none was named. Throws `primary_other`
 * for a server that cannot be the one whose log the standby follows, and what a login throws.
 */
export async function openPrimary(
  { instance, standby }: OrderOf<'full-backup'>,
  session: Session,
): Promise<Session | undefined> {
  if (standby?.primary === undefined) return undefined;
  const below = await downstreamOf(session, instance.systemId);
  const primary = await openSession(standby.primary);
  try {
    const { role, systemId, timeline } = await readServerFacts(primary);
    const { flushed, receivers } = await primary.queryOne(namedQuery);
    const named = { role, systemId, timeline, flushed: parseLsn(String(flushed)), receivers: Number(receivers) };
    const reason = notUpstream(below ?? { ...named, systemId: instance.systemId, reached: named.flushed }, named);
    if (reason !== undefined)
      throw fail('primary_other', { primary: primary.instance, standby: session.instance, reason });
    return primary;
  } catch (error) {
    await primary.close();
    throw error;
  }
}

const namedQuery = `select (case when pg_is_in_recovery() then '0/0' else pg_current_wal_flush_lsn() end)::text as flushed,
    (select count(*) from pg_stat_replication)::int as receivers`;

/** Undefined of a server that was promoted already: its role is found out later. Columns of the receiver are empty for a role that may not look. */
async function downstreamOf(session: Session, systemId: string): Promise<Downstream | undefined> {
  const row = await session.queryOne(
    `select pg_is_in_recovery() as is_standby, (select timeline_id from pg_control_checkpoint())::int as timeline,
            coalesce((select received_tli from pg_stat_wal_receiver where status = 'streaming'), 0)::int as received,
            coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text as reached`,
  );
  if (!flagOf(row, 'is_standby')) return undefined;
  const received = Number(row['received']);
  const reached = parseLsn(textOf(row, 'reached'));
  const timeline = Number(row['timeline']);
  return { systemId, timeline, reached, ...(received === 0 ? {} : { receivedTimeline: received }) };
}

/**
 * Forces a checkpoint on the primary and waits until the standby replayed it (D-019): backup mode then begins at a
 * restartpoint behind the end of every earlier set. Throws `standby_behind`, `cancelled`.
 */
export async function catchUp({ session, primary, deps, step }: Attempt): Promise<void> {
  if (primary === undefined) return;
  await primary.query('checkpoint');
  const wanted = parseLsn(textOf(await primary.queryOne('select pg_current_wal_flush_lsn()::text as lsn'), 'lsn'));
  step.log({
    level: 'info',
    message: `a checkpoint was forced on the primary; the standby must replay up to ${wanted}`,
  });
  const until = deps.clock.nowMs() + replayMinutes * 60_000;
  for (let reached = await replayed(session); compareLsn(reached, wanted) < 0; reached = await replayed(session)) {
    throwIfEnded(step.signal);
    if (deps.clock.nowMs() > until) {
      const { instance } = session;
      throw fail('standby_behind', { instance, reached, wanted, minutes: String(replayMinutes) });
    }
    await pause(lookAgainMs);
  }
}

/**
 * A standby that begins at the shutdown checkpoint of its primary and has replayed nothing behind it gives a set of which no
 * recovery can stop: the server stops at or behind a record only. A moment later there is one. Throws `standby_quiet`.
 */
export async function demandRecord({ session, deps, step }: Attempt, control: ControlFile): Promise<void> {
  if (control.redoLsn !== control.checkpointLsn) return;
  const until = deps.clock.nowMs() + recordMs;
  while (compareLsn(await replayed(session), control.minRecoveryLsn) <= 0) {
    throwIfEnded(step.signal);
    if (deps.clock.nowMs() > until)
      throw fail('standby_quiet', { instance: session.instance, lsn: control.minRecoveryLsn });
    await pause(lookAgainMs);
  }
}

/** Where a standby is; a server that is no standby any more is found out later, by its role. */
async function replayed(session: Session): Promise<Lsn> {
  const statement =
    "select (case when pg_is_in_recovery() then coalesce(pg_last_wal_replay_lsn(), '0/0') else 'FFFFFFFF/0'::pg_lsn end)::text as lsn";
  return parseLsn(textOf(await session.queryOne(statement), 'lsn'));
}

/** Names of history and backup files sort among those of segments and say nothing of the log before them. */
export const isArchivedUpTo = (last: string, end: SegmentName): boolean => /^[0-9A-F]{24}$/.test(last) && last >= end;

/**
 * Closes the segment in which the set ends on the primary and looks whether its archiver took it: log backup of the primary
 * leads on from there. The set holds all the log that it needs, so what is missing is a word in the log of the run. A session that
 * was lost while files were copied is opened again. Throws what `openPrimary` throws.
 */
export async function switchPrimary(attempt: Attempt, end: SegmentName): Promise<void> {
  const { primary, order, session, step } = attempt;
  if (primary === undefined) return;
  if (!primary.lost.aborted) {
    await switchOn(primary, attempt, end);
    return;
  }
  step.log({
    level: 'warn',
    message: `the session with the primary at ${primary.instance} was lost: logging in again`,
  });
  const again = await openPrimary(order, session);
  try {
    if (again !== undefined) await switchOn(again, attempt, end);
  } finally {
    await again?.close();
  }
}

async function switchOn(primary: Session, { deps, step }: Attempt, end: SegmentName): Promise<void> {
  await primary.query('select pg_switch_wal()');
  const until = deps.clock.nowMs() + archiveMs;
  for (;;) {
    const row = await primary.queryOne(
      "select coalesce(last_archived_wal, '') as last, current_setting('archive_mode') as mode from pg_stat_archiver",
    );
    if (textOf(row, 'mode') === 'off' || isArchivedUpTo(textOf(row, 'last'), end)) return;
    throwIfEnded(step.signal);
    if (deps.clock.nowMs() > until) break;
    await pause(lookAgainMs);
  }
  const message = `the primary did not archive ${end}, in which this set ends, within ${String(archiveMs / 1000)} s: look at pg_stat_archiver there`;
  step.log({ level: 'warn', message });
}
