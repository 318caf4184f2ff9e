import type { Course, Played } from './episode.ts';
import { playEpisode } from './episode.ts';
import { proveAll } from './final-proof.ts';
import { layGround } from './load.ts';
import type { Kind } from './plan.ts';
import { episodesOf, undisturbed } from './plan.ts';
import type { Chronicle } from './record.ts';
import { openSupervisor } from './supervisor.ts';
import { openWorld } from './world.ts';

interface CourseOptions {
  readonly minutes: number;
  readonly seed: number;
  /** The folder stays, with the logs of every part. */
  readonly isKept: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const minuteMs = 60_000;

const sum = (all: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
  const total: Record<string, number> = {};
  for (const one of all) for (const [what, count] of Object.entries(one)) total[what] = (total[what] ?? 0) + count;
  return total;
};

/** Brings up a world, measures every kind of run undisturbed and kills, both in so many minutes, then proves what is left. */
export async function playCourse({ minutes, seed, isKept, say, signal }: CourseOptions): Promise<Chronicle> {
  const world = await openWorld({ isKept, signal });
  const supervisor = openSupervisor(world.parts);
  try {
    if (isKept) say(`everything stays in ${world.folder}`);
    await layGround(world);
    let last = 0;
    const number = (): number => ++last;
    const measured = new Map<Kind, number>();
    const course = { world, supervisor, say, measured, number, beganMs: performance.now() };
    const calm = await measure(course, seed);
    const forMs = killingMs(minutes, performance.now() - course.beganMs);
    const disturbed = await killFor({ ...course, beganMs: performance.now() }, { seed, forMs });
    const played = [...calm, ...disturbed];
    say('  proving every set');
    const proof = await proveAll(course);
    if (supervisor.fallen().length > 0)
      say(`  ended by themselves and were started again: ${supervisor.fallen().join(', ')}`);
    return {
      kills: played.flatMap(({ kills }) => kills),
      runs: disturbed.flatMap(({ runs }) => runs),
      wrongs: [...played.flatMap(({ wrongs }) => wrongs), ...proof.wrongs],
      resentBytes: played.reduce((bytes, { resentBytes }) => bytes + resentBytes, 0),
      proofs: sum([...played.map(({ proofs }) => proofs), proof.proofs]),
    };
  } finally {
    supervisor.close();
    await world.close();
  }
}

/** Every kind once without kills: how long it takes, and that it ends right at all. */
async function measure(course: Course, seed: number): Promise<readonly Played[]> {
  const played: Played[] = [];
  for (const episode of undisturbed(seed)) {
    const one = await playEpisode(course, episode);
    played.push(one);
    tell(course, one);
    for (const { kind, seconds } of one.runs) course.measured.set(kind, seconds * 1000);
  }
  return played;
}

/** What measuring took counts as time of the harness, but at least half of it is for kills. */
const killingMs = (minutes: number, measuringMs: number): number =>
  Math.max((minutes * minuteMs) / 2, minutes * minuteMs - measuringMs);

async function killFor(course: Course, { seed, forMs }: { seed: number; forMs: number }): Promise<readonly Played[]> {
  const played: Played[] = [];
  for (const episode of episodesOf(seed)) {
    if (performance.now() - course.beganMs > forMs) return played;
    course.say(
      `episode ${String(episode.number)}: ${episode.runs.map(({ kind, pool }) => `${kind} (${pool})`).join(', ')}`,
    );
    const one = await playEpisode(course, episode);
    played.push(one);
    tell(course, one);
  }
  return played;
}

function tell({ say }: Course, { runs, wrongs }: Played): void {
  say(`  ${runs.map(({ kind, state, seconds }) => `${kind} ${state} ${seconds.toFixed(1)} s`).join(', ')}`);
  for (const { what } of wrongs) say(`  WRONG: ${what}`);
}
