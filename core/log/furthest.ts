import { compareLsn } from '../wal/lsn.ts';
import type { BranchReach, LogTimeline, RecoveryWindow } from './timeline.ts';

/** The furthest point of each branch that any set reaches; a branch without one is left out. */
export function furthestOf(windows: readonly RecoveryWindow[]): readonly BranchReach[] {
  const best = new Map<string, RecoveryWindow>();
  for (const window of windows) {
    const known = best.get(window.branchId);
    if (known === undefined || isFurther(window, known)) best.set(window.branchId, window);
  }
  return [...best.values()].map(({ branchId, timeline, setId, to }) => ({ branchId, timeline, setId, to }));
}

const isFurther = (a: RecoveryWindow, b: RecoveryWindow): boolean => {
  const ahead = compareLsn(a.to.lsn, b.to.lsn);
  return ahead > 0 || (ahead === 0 && a.to.at > b.to.at);
};

/** The same in words, the current branch first: `timeline 3: 2026-… (LSN 0/5000000)`. */
export function furthestText({ furthest, currentBranchId }: Pick<LogTimeline, 'furthest' | 'currentBranchId'>): string {
  const current = furthest.filter(({ branchId }) => branchId === currentBranchId);
  const others = furthest.filter(({ branchId }) => branchId !== currentBranchId);
  const texts = [...current, ...others].map(
    ({ timeline, to }) => `timeline ${String(timeline)}: ${to.at} (LSN ${to.lsn})`,
  );
  return texts.join('; ') || 'none';
}
