import { knownHistories } from '#core/log/known-histories.ts';
import type { LogTimeline } from '#core/log/timeline.ts';
import type { Reached } from '#core/restore/recovery/stop-branch.ts';
import type { RestoreWays } from './ways.ts';

/**
 * The history files of a restore. A standby follows the highest timeline of which it finds a history, one number after the other: of
 * siblings of its way it must find none, and those of a primary that went on meanwhile it fetches itself. Whoever is opened
 * must know every number that is taken.
 */
export function historiesFor(
  ways: RestoreWays | undefined,
  { branches }: LogTimeline,
  { route }: Reached,
): Readonly<Record<string, string>> {
  if (ways?.endsAs !== 'standby') return knownHistories(branches, route);
  const onRoute = new Set(route.map(({ branchId }) => branchId));
  const ofWay = branches.filter(({ branchId }) => onRoute.has(branchId));
  return knownHistories(ofWay, route);
}
