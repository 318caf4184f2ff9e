import type { Kind, Victim } from './plan.ts';
import { kinds, victims } from './plan.ts';

/** A run that was not over when a part was killed, and what it was doing. */
export interface Hit {
  readonly kind: Kind;
  readonly phase: string;
}

export interface Kill {
  readonly episode: number;
  /** Seconds from the first episode on. */
  readonly atSeconds: number;
  readonly victim: Victim;
  readonly outageMs: number;
  readonly hits: readonly Hit[];
}

export interface EndedRun {
  readonly episode: number;
  readonly id: string;
  readonly kind: Kind;
  readonly state: string;
  /** From the request to the end. */
  readonly seconds: number;
}

/** Something that did not end right. */
export interface Wrong {
  readonly episode: number;
  readonly what: string;
}

/** What a run of the harness saw. */
export interface Chronicle {
  readonly kills: readonly Kill[];
  readonly runs: readonly EndedRun[];
  readonly wrongs: readonly Wrong[];
  /** Bytes that a pool had acknowledged and that were sent to it again. */
  readonly resentBytes: number;
  /** Looks of each kind, such as a set verified or a copy compared. */
  readonly proofs: Readonly<Record<string, number>>;
}

/** `phase` of a kind, then how often each victim died in it. */
export interface HistogramRow {
  readonly kind: string;
  readonly phase: string;
  readonly byVictim: Readonly<Record<Victim, number>>;
}

const noVictim = (): Record<Victim, number> => ({
  ...{ agent: 0, 'second-agent': 0, worker: 0, api: 0, temporal: 0, catalog: 0, minio: 0 },
});

/** Phases × victims. A kill that hits several runs counts in the row of each; one that hits none in the row `idle`. */
export function histogramOf(kills: readonly Kill[]): readonly HistogramRow[] {
  const rows = new Map<string, HistogramRow & { readonly byVictim: Record<Victim, number> }>();
  for (const { victim, hits } of kills) {
    const places = hits.length === 0 ? [{ kind: '-', phase: 'idle' }] : hits;
    for (const { kind, phase } of places) {
      const key = `${kind} ${phase}`;
      const row = rows.get(key) ?? { kind, phase, byVictim: noVictim() };
      row.byVictim[victim] += 1;
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => a.kind.localeCompare(b.kind) || a.phase.localeCompare(b.phase));
}

export interface Verdict {
  readonly isRight: boolean;
  readonly kills: number;
  readonly killsByVictim: Readonly<Record<Victim, number>>;
  readonly runs: number;
  readonly runsByKind: Readonly<Partial<Record<Kind, number>>>;
  readonly wrongEnds: number;
  readonly resentBytes: number;
  readonly proofs: Readonly<Record<string, number>>;
}

/** Right when nothing went wrong, nothing was sent again, and there was something to judge: a kill and a run. */
export function verdictOf({ kills, runs, wrongs, resentBytes, proofs }: Chronicle): Verdict {
  const killsByVictim = noVictim();
  for (const victim of victims) killsByVictim[victim] = kills.filter((kill) => kill.victim === victim).length;
  const runsByKind: Partial<Record<Kind, number>> = {};
  for (const kind of kinds) {
    const count = runs.filter((run) => run.kind === kind).length;
    if (count > 0) runsByKind[kind] = count;
  }
  return {
    isRight: wrongs.length === 0 && resentBytes === 0 && kills.length > 0 && runs.length > 0,
    ...{ kills: kills.length, killsByVictim, runs: runs.length, runsByKind, wrongEnds: wrongs.length },
    ...{ resentBytes, proofs },
  };
}
