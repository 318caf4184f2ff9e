import { faultPoints } from '#core/faults/fault-points.ts';
import { circumstances, writeEvidence } from './evidence.ts';
import type { Death, DeathSeen } from './fault-sweep.ts';

/** Deaths of a sweep, each with what its point means. Only whole sweeps are evidence. */
export function writeDeaths(seen: readonly (Death & DeathSeen)[]): void {
  const deaths = seen.map(({ deed, point, time, state, acknowledged }) => ({
    ...{ point, means: faultPoints[point], in: deed, time, acknowledgedThen: acknowledged, end: state },
  }));
  writeEvidence('fault-points', {
    ...circumstances('npx vitest run --project deep tests/deep/fault-points.test.ts'),
    ...{ postgresql: '18', points: Object.keys(faultPoints).length, deaths: seen.length, right: seen.length },
    sentAgain: 0,
    each: deaths,
  });
}
