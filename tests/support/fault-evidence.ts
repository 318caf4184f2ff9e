import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultPoints } from '#core/faults/fault-points.ts';
import type { Death, DeathSeen } from './fault-sweep.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'evidence');

/** Commit, day and machine of a piece of evidence that a deep test writes. */
export const circumstances = (command: string) => ({
  command,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim(),
  date: new Date().toISOString().slice(0, 10),
  node: process.version.slice(1),
});

/** Writes `docs/evidence/<name>.json` anew. */
export function writeEvidence(name: string, evidence: object): void {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(evidence, null, 2)}\n`);
}

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
