import { expect } from 'vitest';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { AtKill } from './kill-proof.ts';
import { bytesOf, piecesOf } from './kill-proof.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import { runTimeoutMs, untilOver } from './kill-stage.ts';

/** What was seen of one death, for the evidence. */
export interface DeathSeen {
  /** Pieces that were acknowledged when the agent died. */
  readonly acknowledged: number;
  readonly state: string;
}

interface Killed {
  readonly run: StartedRun;
  readonly kills: readonly AtKill[];
  /** Starts the agent again, without a fault. */
  readonly again: () => Promise<void>;
}

/** Starts an agent that dies at a point, begins a run, waits for the death. */
export type Kill = (begin: () => Promise<StartedRun>) => Promise<Killed>;

/** One deed whose agent dies, and the proof of its end; the name is of no other play. */
export type Play = (stage: KillStage, kill: Kill, name: string) => Promise<DeathSeen>;

export const seenOf = (kills: readonly AtKill[], state: string): DeathSeen => ({
  acknowledged: kills.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
  state,
});

/** A connection that was idle for long may be closed by the API in the very moment in which a run is asked for. */
export const untilApiAnswers = ({ api }: KillStage): Promise<unknown> =>
  pollUntil(() => api.get('/hosts').catch(() => undefined), { what: 'an answer of the API', timeoutMs: runTimeoutMs });

/** What an undisturbed run of a kind made. */
interface Measure {
  readonly setId: string;
  readonly bytes: number;
}

const measured = new WeakMap<KillStage, Map<string, Measure>>();

/** An undisturbed one, once a stage, says how much the disturbed ones may put, and how long they last. */
export async function undisturbed(stage: KillStage, what: string, begin: () => Promise<StartedRun>): Promise<Measure> {
  const known = measured.get(stage) ?? new Map<string, Measure>();
  measured.set(stage, known);
  const before = known.get(what);
  if (before !== undefined) return before;
  await untilApiAnswers(stage);
  const run = await begin();
  // Why no look at the source: it may be closed.
  expect((await untilOver(stage, run.id)).run).toMatchObject({ state: 'succeeded' });
  const found = { setId: run.setId, bytes: bytesOf(piecesOf(stage, run.setId)) };
  known.set(what, found);
  return found;
}
