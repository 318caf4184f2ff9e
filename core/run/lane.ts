/**
 * What a run does to its owner (a resource, or a restore target): design §4 "Lanes". `log` is a log backup, `log-stream` one
 * that lasts, `log-deletion` the deletion of log that is in a pool. `none` holds nothing.
 */
export type LaneKind = 'data' | 'log' | 'log-stream' | 'log-deletion' | 'logical' | 'exclusive' | 'none';

/** One request or holder of a lane. `key` is the run id. */
export interface LaneEntry {
  readonly key: string;
  readonly kind: LaneKind;
}

/**
 * The one compatibility matrix, used by the lane workflow and by the fence of the agent: a data, a log and a logical
 * run go side by side; two of one kind never do; exclusive (restore in place) stands alone. A log backup keeps streams and
 * deletions of log out. Those two go together: a stream lasts for months, and leases in the catalog keep what it needs.
 * Symmetric.
 */
export function canShare(a: LaneKind, b: LaneKind): boolean {
  if (a === 'none' || b === 'none') return true;
  if (a === b || a === 'exclusive' || b === 'exclusive') return false;
  return !((a === 'log' && isBesideLog(b)) || (b === 'log' && isBesideLog(a)));
}

const isBesideLog = (kind: LaneKind): boolean => kind === 'log-stream' || kind === 'log-deletion';

/** Who keeps a request of this kind out: a holder, or someone who waits before it (no overtaking, so nobody starves). */
export const blockerOf = (kind: LaneKind, ahead: readonly LaneEntry[]): LaneEntry | undefined =>
  ahead.find((entry) => !canShare(kind, entry.kind));

/** The waiting entries that may enter now, in order; each must go with all holders and with all that wait before it. */
export function admissible<E extends LaneEntry>(running: readonly LaneEntry[], waiting: readonly E[]): readonly E[] {
  return waiting.filter((entry, at) => blockerOf(entry.kind, [...running, ...waiting.slice(0, at)]) === undefined);
}
