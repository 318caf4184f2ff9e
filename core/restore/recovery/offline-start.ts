import type { ControlFileChange } from '#core/engine/control-file.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';

type OfflinePlan = Pick<RestorePlan, 'offline' | 'setting' | 'isOpenedAfter' | 'mustReach' | 'segments'>;

/**
 * True when the server is started without recovery.signal: archive recovery refuses log of wal_level = minimal, so such a
 * set can only be opened where it was left, on its own timeline. Nothing archives there, so no other log can meet it.
 */
export const startsPlainly = ({ offline }: Pick<RestorePlan, 'offline'>): boolean => offline?.isLogMinimal === true;

/**
 * True when recovery gets no target: behind a clean shutdown there is no record at which the server could stop, and it
 * calls that a target missed (PostgreSQL ≥ 13). All log there is is that of the set, so its end is the target.
 */
export const hasNoStop = ({ offline, setting }: Pick<RestorePlan, 'offline' | 'setting'>): boolean =>
  offline?.state === 'clean' && setting.at === 'immediate';

/** True when a set is left closed that nothing need be replayed of: the server is not started at all. */
export const staysAsItIs = (plan: OfflinePlan): boolean =>
  !plan.isOpenedAfter && (startsPlainly(plan) || hasNoStop(plan));

/**
 * What is changed in the control file of a closed instance so that the server begins as it must, undefined when it stays.
 * A crashed one is told that recovery must reach the end of its log before it is consistent, as after a recovery that was
 * cut off: without a backup_label nothing else would keep the server from stopping too early. A clean one may be of a server
 * that died before it wrote anything: it was shut down as far as log and files go. One of wal_level = minimal
 * is told that it crashed, so that unlogged relations, which no set holds, are made anew.
 */
export function startOf(
  plan: Pick<RestorePlan, 'offline'>,
  setEnd: { readonly lsn: RestorePlan['mustReach']; readonly timeline: number },
): ControlFileChange | undefined {
  if (plan.offline === undefined) return undefined;
  if (startsPlainly(plan)) return { state: 'in production' };
  return plan.offline.state === 'clean'
    ? { state: 'shut down' }
    : { state: 'in archive recovery', minRecovery: setEnd };
}
