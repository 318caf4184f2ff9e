import { ancestorHistory, endsOf, parseHistory } from '#core/wal/history-file.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { OpenBranch } from '#agent/wal/batch-writer.ts';
import type { CommittedBranch } from '#agent/wal/committed-log.ts';
import { readBranch } from '#agent/wal/committed-log.ts';
import type { Replication } from './open-replication.ts';

/** One timeline that is streamed: its branch, what the pool has of it, and where to begin. */
export interface StreamLeg {
  readonly branch: OpenBranch;
  readonly known: CommittedBranch;
  /** Begin of a segment. */
  readonly from: number;
  /** Where the server left this timeline; undefined for the one it writes. */
  readonly left?: Lsn;
}

export interface RouteRequest {
  readonly replication: Pick<Replication, 'history'>;
  readonly pool: Pool;
  readonly systemId: string;
  readonly segmentBytes: number;
  /** What the server writes now. */
  readonly timeline: number;
  /** Oldest log that the slot keeps. */
  readonly restartLsn: Lsn;
}

/** What is left to stream, oldest timeline first, and log of the pool that the server abandoned (the lost range, in words). */
export interface StreamRoute {
  readonly legs: readonly StreamLeg[];
  readonly abandoned: readonly string[];
}

/**
 * Where to go on: on the newest timeline of the server's own history of which the pool has log, up to the point at which the
 * server left it, then along the later ones from their begin. Where the pool has none, the slot says where log begins.
 * Throws what reading the pool throws, `log_history_damaged`.
 */
export async function routeOf(request: RouteRequest): Promise<StreamRoute> {
  const { timeline, segmentBytes, restartLsn } = request;
  const history = timeline === 1 ? '' : await request.replication.history(timeline);
  const entries = parseHistory(history);
  const ends = endsOf(entries);
  const restart = lsnToNumber(restartLsn);
  const unknown: StreamLeg[] = [];
  for (const [i, number] of numbered([...entries.map((entry) => entry.timeline), timeline])) {
    const branch = await branchOf(request, history, number);
    const known = await readBranch(request.pool, branch, floorTo(restart, segmentBytes));
    const begin = branch.fork === undefined ? 0 : floorTo(lsnToNumber(branch.fork), segmentBytes);
    const left = ends[i];
    const leg = { branch, known, ...(left === undefined ? {} : { left }) };
    const furthest = furthestOf(known);
    if (furthest !== undefined) {
      const isOver = left !== undefined && furthest >= lsnToNumber(left);
      const own = isOver ? [] : [{ ...leg, from: floorTo(furthest, segmentBytes) }];
      return {
        legs: [...own, ...unknown.map(fromBegin(segmentBytes))],
        abandoned: abandonedOf(number, furthest, left),
      };
    }
    if (left === undefined || restart < lsnToNumber(left))
      unknown.unshift({ ...leg, from: Math.max(begin, floorTo(restart, segmentBytes)) });
  }
  return { legs: unknown, abandoned: [] };
}

/** Behind log that the pool has, a branch is wanted from its first segment on. */
const fromBegin =
  (segmentBytes: number) =>
  (leg: StreamLeg): StreamLeg => ({
    ...leg,
    from: leg.branch.fork === undefined ? leg.from : floorTo(lsnToNumber(leg.branch.fork), segmentBytes),
  });

function abandonedOf(timeline: number, furthest: number, left: Lsn | undefined): readonly string[] {
  if (left === undefined || furthest <= lsnToNumber(left)) return [];
  const range = `from ${left} to ${formatLsn(furthest)}`;
  return [
    `the server left timeline ${String(timeline)} at ${left}: its log ${range}, which the pool holds, was abandoned; what was committed there is not in the database any more`,
  ];
}

async function branchOf(
  { replication, systemId }: RouteRequest,
  history: string,
  timeline: number,
): Promise<OpenBranch> {
  if (timeline === 1) return { systemId, timeline, history: '', branchId: branchIdOf(''), fork: undefined };
  // The text in the newest file lacks what follows the last line of the ancestor's own.
  const text = await replication.history(timeline).catch(() => ancestorHistory(history, timeline) ?? '');
  const fork = parseHistory(text).slice(-1)[0]?.switchLsn;
  return { systemId, timeline, history: text, branchId: branchIdOf(text, timeline), fork };
}

/** End of the log that is known of a branch, in whatever batch it is; undefined when there is none. */
function furthestOf({ segments }: CommittedBranch): number | undefined {
  const ends = [...segments.values()].map(({ to }) => lsnToNumber(to));
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** Newest first, each with its place in the history. */
const numbered = (timelines: readonly number[]): (readonly [number, number])[] =>
  timelines.map((number, i) => [i, number] as const).reverse();

const floorTo = (position: number, bytes: number): number => position - (position % bytes);
