import { compareLsn } from '../../wal/lsn.ts';
import type { LogBranch, LogGap, LogTimeline } from '../timeline.ts';

/**
 * Missing log on the way to the present: of the branch that is written and of its ancestors up to where they were left. A switch of
 * timelines closes no gap.
 */
export function gapsOnWay({ branches, currentBranchId }: LogTimeline): readonly LogGap[] {
  const current = branches.find(({ branchId }) => branchId === currentBranchId);
  return current === undefined ? [] : [...gapsOfParent(current, branches), ...current.gaps];
}

function gapsOfParent({ parent }: LogBranch, branches: readonly LogBranch[]): readonly LogGap[] {
  const above = branches.find(({ branchId }) => branchId === parent?.branchId);
  if (parent === undefined || above === undefined) return [];
  const all = [...gapsOfParent(above, branches), ...above.gaps];
  return all.filter(({ from }) => compareLsn(from, parent.forkLsn) < 0);
}
