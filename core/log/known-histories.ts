import type { LogBranch, RouteStep } from './timeline.ts';
import { historyName } from '../wal/history-file.ts';

/**
 * Every known history file by name → text, those of the route first where two branches carry one number. With siblings in
 * place a server cannot choose a timeline number that is taken.
 */
export function knownHistories(
  branches: readonly Pick<LogBranch, 'branchId' | 'timeline' | 'history'>[],
  route: readonly RouteStep[],
): Readonly<Record<string, string>> {
  const onRoute = new Set(route.map((step) => step.branchId));
  const files: Record<string, string> = {};
  for (const branch of branches) {
    if (branch.history === undefined || branch.history === '') continue;
    const name = historyName(branch.timeline);
    if (onRoute.has(branch.branchId) || files[name] === undefined) files[name] = branch.history;
  }
  return files;
}
