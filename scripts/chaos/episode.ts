import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../supervisor/wait.ts';
import type { AtKill } from './acknowledged.ts';
import { lookAtKill } from './acknowledged.ts';
import { judge } from './judge.ts';
import type { Started } from './begun.ts';
import { groundFor, startRun } from './load.ts';
import type { Episode, Kind, PlannedKill } from './plan.ts';
import type { EndedRun, Kill, Wrong } from './record.ts';
import { coveredUntil } from './sets.ts';
import type { Supervisor } from './supervisor.ts';
import type { Watched } from './watch.ts';
import { follow, hitsOf, isOver } from './watch.ts';
import type { World } from './world.ts';

/** What goes through all episodes. */
export interface Course {
  readonly world: World;
  readonly supervisor: Supervisor;
  readonly say: (line: string) => void;
  /** `performance.now()` at the first episode. */
  readonly beganMs: number;
  /** Milliseconds that a run of a kind takes undisturbed. */
  readonly measured: Map<Kind, number>;
  readonly number: () => number;
}

export interface Played {
  readonly kills: readonly Kill[];
  readonly runs: readonly EndedRun[];
  readonly wrongs: readonly Wrong[];
  readonly resentBytes: number;
  readonly proofs: Readonly<Record<string, number>>;
}

/** The promise (build.md "Kills"): over so long after the world is whole again, and nobody acts. */
const rightEndWithinMs = 120_000;
/** Where nothing is killed it is measured how long runs take, however busy the machine is. */
const calmEndWithinMs = 600_000;
const unmeasuredMs = 5000;

const beginning = (episode: Episode): Watched[] =>
  episode.runs.map(({ kind, pool }) => ({
    ...{ kind, pool, startedMs: performance.now(), id: '', setId: null },
    ...{ phase: 'requested', state: 'requested', endedMs: undefined, outcome: {} },
  }));

/** Milliseconds over which the kills of an episode are spread: what its longest run takes undisturbed. */
const spanOf = ({ runs }: Episode, measured: Course['measured']): number =>
  Math.max(...runs.map(({ kind }) => measured.get(kind) ?? unmeasuredMs));

interface Going {
  readonly course: Course;
  readonly episode: Episode;
  readonly runs: Watched[];
  readonly kills: Kill[];
  readonly atKills: AtKill[];
}

/** Starts the runs, kills as planned, waits until the world is whole and every run is over, then judges. */
export async function playEpisode(course: Course, episode: Episode): Promise<Played> {
  const { world, supervisor } = course;
  const { signal } = world;
  const ground = await groundFor(world, episode.runs, course.number);
  const going: Going = { course, episode, runs: beginning(episode), kills: [], atKills: [] };
  const over = new AbortController();
  const following = follow(world, going.runs, AbortSignal.any([over.signal, signal]));
  const wrongs: Wrong[] = [];
  const starting = going.runs.map(async (watched): Promise<Started | undefined> => {
    try {
      const started = await startRun(world, watched, ground);
      watched.setId = started.run.setId;
      watched.id = started.run.id;
      return started;
    } catch (error) {
      watched.state = 'skipped';
      wrongs.push({ episode: episode.number, what: `${watched.kind} was not started: ${String(error)}` });
      return undefined;
    }
  });
  await Promise.all(episode.kills.map((kill) => strike(going, kill, spanOf(episode, course.measured))));
  const started = await Promise.all(starting);
  signal.throwIfAborted();
  await supervisor.untilWhole();
  wrongs.push(...(await endStreams(going)));
  const withinMs = episode.kills.length === 0 ? calmEndWithinMs : rightEndWithinMs;
  await Promise.race([following, pause(withinMs, undefined, { ref: false })]);
  over.abort();
  signal.throwIfAborted();
  const judged = await judge({ world, episode: episode.number, runs: going.runs, started, atKills: going.atKills });
  return { kills: going.kills, runs: ended(going), ...judged, wrongs: [...wrongs, ...judged.wrongs] };
}

async function strike(
  { course, episode, runs, kills, atKills }: Going,
  kill: PlannedKill,
  spanMs: number,
): Promise<void> {
  const { world, supervisor, say, beganMs } = course;
  const { signal } = world;
  await pause(kill.share * spanMs, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  await supervisor.kill(kill.victim, kill.outageMs, async () => {
    const hits = hitsOf(runs);
    const atSeconds = Math.round((performance.now() - beganMs) / 100) / 10;
    kills.push({ ...{ episode: episode.number, atSeconds, hits }, victim: kill.victim, outageMs: kill.outageMs });
    const what = hits.map(({ kind, phase }) => `${kind}: ${phase}`).join(', ');
    say(
      `  ${atSeconds.toFixed(1).padStart(7)} s  kill -9 ${kill.victim.padEnd(8)} in ${what === '' ? 'nothing' : what}`,
    );
    if (kill.victim !== 'agent') return;
    for (const { id, setId, pool } of runs.filter((run) => !isOver(run)))
      if (setId !== null && id !== '') atKills.push(await lookAtKill(world, { runId: id, setId, pool }));
  });
}

/** Streams are cancelled when they follow the source again: they have no other end. */
async function endStreams({ course, episode, runs }: Going): Promise<readonly Wrong[]> {
  const { world } = course;
  const wrongs: Wrong[] = [];
  for (const { kind, id, pool } of runs) {
    if (kind !== 'log-stream' || id === '') continue;
    const [{ time } = { time: '' }] = world.traffic.moments();
    const isFollowing = await waitFor(async () => (await coveredUntil(world, pool)) >= time, rightEndWithinMs);
    if (!isFollowing)
      wrongs.push({ episode: episode.number, what: `log-stream ${id} does not follow the source again` });
    await world.api.post(`/runs/${id}/cancel`);
  }
  return wrongs;
}

const ended = ({ episode, runs }: Going): readonly EndedRun[] =>
  runs.map(({ id, kind, state, startedMs, endedMs = performance.now() }) => ({
    ...{ episode: episode.number, id, kind, state },
    seconds: Math.round((endedMs - startedMs) / 100) / 10,
  }));
