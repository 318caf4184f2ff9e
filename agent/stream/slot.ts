import type { ResourceId } from '#core/id.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { flagOf, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** One slot per resource: a stream that is started again takes up the slot of the one before. */
export const slotOf = (resourceId: ResourceId): string => `holdfast_${resourceId.slice(-12)}`;

/** A physical slot that keeps log from `restartLsn` on. */
export interface Slot {
  readonly name: string;
  readonly restartLsn: Lsn;
}

type Found = { readonly state: 'absent' } | { readonly state: 'lost'; readonly why: string } | UsableSlot;
interface UsableSlot {
  readonly state: 'usable';
  readonly slot: Slot;
}

/** Throws `slot_refused` for a slot of this name that is not ours. */
export async function findSlot(session: Session, name: string): Promise<Found> {
  const wal = session.serverMajor >= 13 ? "coalesce(wal_status, '')" : "''";
  const statement = `select slot_type as type, coalesce(restart_lsn::text, '') as restart_lsn, ${wal} as wal_status from pg_replication_slots where slot_name = $1`;
  const [row] = await session.query(statement, [name]);
  if (row === undefined) return { state: 'absent' };
  if (textOf(row, 'type') !== 'physical')
    throw fail('slot_refused', { slot: name, instance: session.instance, reason: 'it is a logical slot' });
  const restart = textOf(row, 'restart_lsn');
  const status = textOf(row, 'wal_status');
  if (restart === '' || status === 'lost')
    return { state: 'lost', why: 'max_slot_wal_keep_size was passed: the server removed its log' };
  return { state: 'usable', slot: { name, restartLsn: parseLsn(restart) } };
}

/** Makes a slot that keeps log at once. Throws `slot_refused`. */
export async function makeSlot(session: Session, name: string): Promise<Slot> {
  const statement = 'select lsn::text as lsn from pg_create_physical_replication_slot($1, true)';
  try {
    return { name, restartLsn: parseLsn(textOf(await session.queryOne(statement, [name]), 'lsn')) };
  } catch (cause) {
    const isRefusal = cause instanceof HoldfastError && ['query_failed', 'privilege_missing'].includes(cause.code);
    if (!isRefusal) throw cause;
    throw fail('slot_refused', { slot: name, instance: session.instance, reason: cause.message }, cause);
  }
}

/** A slot of ours as it is now; undefined when there is none. `keptBytes`: log that the server cannot remove because of it. */
export async function lookAtSlot(session: Session, name: string) {
  const statement = `select active, coalesce(restart_lsn, '0/0')::text as restart_lsn,
      coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::bigint as kept
    from pg_replication_slots where slot_name = $1 and slot_type = 'physical'`;
  const [row] = await session.query(statement, [name]);
  if (row === undefined) return undefined;
  const keptBytes = Math.max(0, Number(row['kept']));
  return { isActive: flagOf(row, 'active'), restartLsn: parseLsn(textOf(row, 'restart_lsn')), keptBytes };
}

const dropWaitMs = 100;
const dropTries = 50;

/** Drops a slot; the sender that used it may need a moment to notice that we are gone. An absent one is fine. */
export async function dropSlot(session: Session, name: string): Promise<void> {
  for (let tried = 0; ; tried++) {
    const [row] = await session.query('select active from pg_replication_slots where slot_name = $1', [name]);
    if (row === undefined) return;
    if (!flagOf(row, 'active') || tried === dropTries) break;
    await new Promise((resolve) => setTimeout(resolve, dropWaitMs));
  }
  await session.query('select pg_drop_replication_slot($1)', [name]);
}

/** In words, what the operator should know about the bound of the slot; undefined when it is bounded. */
export async function slotAdvice(session: Session): Promise<string | undefined> {
  if (session.serverMajor < 13)
    return 'this server cannot bound what a slot keeps: when the stream stands still, pg_wal grows until its disk is full; watch it';
  const row = await session.queryOne("select current_setting('max_slot_wal_keep_size') as keep");
  return textOf(row, 'keep') === '-1'
    ? 'max_slot_wal_keep_size is -1: when the stream stands still, pg_wal grows until its disk is full; set it to what the disk can spare'
    : undefined;
}
