import type { LogRange } from './lost-log.ts';

/** A timeline of the server's own history. Positions are bytes of the log. */
export interface StreamedTimeline {
  readonly timeline: number;
  /** Where it left its parent; 0 for timeline 1. */
  readonly fork: number;
  /** Where the server left it; absent for the one that is written. */
  readonly left?: number;
  /** Behind the last log that the pool has of it; absent when it has none. */
  readonly furthest?: number;
}

export interface StreamPlan {
  /** What is left to stream, oldest timeline first; each begins at a segment. */
  readonly legs: readonly { readonly timeline: number; readonly from: number }[];
  /** Log that the pool holds and the server abandoned: it took another way before that. */
  readonly abandoned?: LogRange;
  /** The newest timeline of which the pool has log, when the server left it and nothing of it is missing. */
  readonly over?: { readonly timeline: number; readonly left: number };
}

/**
 * Log that the pool has of the timeline that is written, behind the place where the server writes: a server that was put back to an
 * earlier state without a timeline of its own, for a stream never gets log that the server has not made durable. Undefined when there is none.
 */
export function logAhead(newestFirst: readonly StreamedTimeline[], written: number): LogRange | undefined {
  const [current] = newestFirst;
  if (current?.furthest === undefined || current.left !== undefined || current.furthest <= written) return undefined;
  return { timeline: current.timeline, from: written, to: current.furthest };
}

interface Slot {
  /** Oldest log that the slot keeps. */
  readonly restart: number;
  readonly segmentBytes: number;
}

/**
 * Where a stream goes on (design §6): behind what the pool has of the newest timeline that it knows, then along every later one
 * from its first segment, also when the slot does not keep that: the server may still have it, and what it has not is told as
 * lost. Where the pool has nothing, the slot says where log begins. `newestFirst` may end at the first timeline that the pool knows.
 */
export function planStream(newestFirst: readonly StreamedTimeline[], { restart, segmentBytes }: Slot): StreamPlan {
  const floor = (position: number): number => position - (position % segmentBytes);
  const at = newestFirst.findIndex(({ furthest }) => furthest !== undefined);
  const known = newestFirst[at];
  if (known?.furthest === undefined) {
    const kept = newestFirst.filter(({ left }) => left === undefined || restart < left).reverse();
    const legs = kept.map(({ timeline, fork }) => ({ timeline, from: floor(Math.max(fork, restart)) }));
    return { legs };
  }
  const { timeline, left, furthest } = known;
  const later = newestFirst.slice(0, at).reverse();
  const legs = later.map((each) => ({ timeline: each.timeline, from: floor(each.fork) }));
  if (left === undefined || furthest < left) return { legs: [{ timeline, from: floor(furthest) }, ...legs] };
  const abandoned = furthest > left ? { abandoned: { timeline, from: left, to: furthest } } : {};
  return { legs, over: { timeline, left }, ...abandoned };
}
