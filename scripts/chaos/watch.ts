import { setTimeout as pause } from 'node:timers/promises';
import type { Kind, PoolName } from './plan.ts';
import type { Hit } from './record.ts';
import type { World } from './world.ts';

/** A run of an episode, and what is known of it. */
export interface Watched {
  readonly kind: Kind;
  readonly pool: PoolName;
  readonly startedMs: number;
  /** '' until the API has answered. */
  id: string;
  setId: string | null;
  phase: string;
  state: string;
  endedMs: number | undefined;
  outcome: Outcome;
}

interface Outcome {
  readonly code?: string;
  readonly message?: string;
  readonly result?: Readonly<Record<string, unknown>>;
}

interface LiveRun {
  readonly run: { readonly state: string; readonly setId: string | null; readonly outcome: Outcome | null };
  readonly phase?: string;
  readonly progress?: { readonly phase: string };
}

const finalStates = new Set(['succeeded', 'warned', 'failed', 'cancelled', 'skipped']);
export const isOver = ({ state }: Pick<Watched, 'state'>): boolean => finalStates.has(state);
const lookEveryMs = 200;

/** Follows runs until they are over or the signal aborts: an API that is away is asked again. */
export async function follow(
  { api }: Pick<World, 'api'>,
  runs: readonly Watched[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !runs.every(isOver)) {
    await Promise.all(runs.filter((run) => run.id !== '' && !isOver(run)).map((run) => lookAt(api, run)));
    await pause(lookEveryMs);
  }
}

async function lookAt(api: World['api'], watched: Watched): Promise<void> {
  const live = await api.look<LiveRun>(`/runs/${watched.id}`).catch(() => undefined);
  if (live === undefined) return;
  const { run, phase, progress } = live;
  watched.phase = progress?.phase ?? phase ?? run.state;
  watched.setId = run.setId;
  watched.outcome = run.outcome ?? {};
  watched.state = run.state;
  if (isOver(watched)) watched.endedMs = performance.now();
}

/** What a kill at this moment hits, as far as the API could tell lately. */
export const hitsOf = (runs: readonly Watched[]): readonly Hit[] =>
  runs.filter((run) => !isOver(run)).map(({ kind, id, phase }) => ({ kind, phase: id === '' ? 'requested' : phase }));
