import type { Lsn } from '../wal/lsn.ts';
import { compareLsn } from '../wal/lsn.ts';
import { endsOf, parseHistory } from '../wal/history-file.ts';
import type { SetSummary } from './set-summary.ts';

/** The instance as an incremental finds it. */
export interface InstanceNow {
  readonly engine: string;
  readonly serverMajor: number;
  readonly systemId: string;
  readonly hasChecksums: boolean;
  readonly pageBytes: number;
  /** Where it writes its log. */
  readonly insertLsn: Lsn;
  readonly timeline: number;
  /** Text of the history file of `timeline`; '' on timeline 1. */
  readonly history: string;
  /** Ids of the branches that a timeline on the way to `timeline` may have by what is known here (docs/format.md §6). */
  branchIdsOf(timeline: number): readonly string[];
}

/**
 * Why a set cannot be the base of an incremental taken now, in words; undefined when it can (design §5, engine.md §A rule 1
 * and §I): the same instance in the same shape, and the end of the base on the way that the log took to here.
 */
export const whyNoBase = (base: SetSummary, now: InstanceNow): string | undefined =>
  otherInstance(base, now) ?? otherBranch(base, now) ?? putBack(base, now);

function otherInstance(base: SetSummary, now: InstanceNow): string | undefined {
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['system id', base.systemId, now.systemId],
    ['engine', base.engine, now.engine],
    ['major version', Math.floor(base.serverVersion / 10_000), now.serverMajor],
    ['page size', base.pageBytes, now.pageBytes],
    ['state of page checksums', stateOf(base.hasChecksums), stateOf(now.hasChecksums)],
  ];
  const other = facts.find(([, before, after]) => before !== after);
  if (other === undefined) return undefined;
  const [what, before, after] = other;
  return `its ${what} is ${String(before)}, that of the instance is ${String(after)}`;
}

const stateOf = (hasChecksums: boolean): string => (hasChecksums ? 'on' : 'off');

function otherBranch(base: SetSummary, now: InstanceNow): string | undefined {
  const { timeline, endLsn } = base;
  if (timeline !== now.timeline) {
    const entries = parseHistory(now.history);
    const left = endsOf(entries)[entries.findIndex((entry) => entry.timeline === timeline)];
    if (left === undefined)
      return `it is on timeline ${String(timeline)}, which does not lead to timeline ${String(now.timeline)}`;
    if (compareLsn(endLsn, left) > 0)
      return `it ends at ${endLsn}, behind ${left} where timeline ${String(timeline)} was left: that log was abandoned`;
  }
  return now.branchIdsOf(timeline).includes(base.branchId)
    ? undefined
    : `it is on another branch that has the same timeline number ${String(timeline)}`;
}

/**
 * A snapshot of the host that was gone back to leaves no timeline: what the base holds of the abandoned time must not be
 * built upon. Forced checkpoints (D-019) would only write the log past it.
 */
const putBack = ({ endLsn }: SetSummary, { insertLsn }: InstanceNow): string | undefined =>
  compareLsn(insertLsn, endLsn) < 0
    ? `it ends at ${endLsn}, but the instance writes its log at ${insertLsn}: it was put back to an earlier state`
    : undefined;
