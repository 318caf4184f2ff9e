import { fail } from '#core/errors/fail.ts';
import { ancestorHistory, endsOf, parseHistory } from '#core/wal/history-file.ts';
import type { LogRange } from '#core/log/switches/lost-log.ts';
import type { StreamedTimeline } from '#core/log/switches/stream-plan.ts';
import { logAhead, planStream } from '#core/log/switches/stream-plan.ts';
import type { Warning } from '#core/run/progress.ts';
import { compareLsn, formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
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
  /** Byte position where the server left this timeline; undefined for the one it writes. */
  readonly left?: number;
  /** Behind the last log that the pool has of it. */
  readonly furthest?: number;
}

export interface RouteRequest {
  readonly replication: Pick<Replication, 'history'>;
  readonly pool: Pool;
  readonly systemId: string;
  readonly segmentBytes: number;
  /** What the server writes now. */
  readonly timeline: number;
  /** Up to where. */
  readonly written: Lsn;
  /** Oldest log that the slot keeps. */
  readonly restartLsn: Lsn;
}

/** What is left to stream, oldest timeline first, and what the operator shall hear of timelines that the server left. */
export interface StreamRoute {
  readonly legs: readonly StreamLeg[];
  readonly warnings: readonly Warning[];
}

/**
 * Where to go on along the server's own history (`planStream`). Throws what reading the pool throws, `log_history_damaged`,
 * `log_put_back`.
 */
export async function routeOf(request: RouteRequest): Promise<StreamRoute> {
  const { timeline, segmentBytes, restartLsn } = request;
  const history = timeline === 1 ? '' : await request.replication.history(timeline);
  const entries = parseHistory(history);
  const ends = endsOf(entries);
  const restart = lsnToNumber(restartLsn);
  const found: (Omit<StreamLeg, 'from'> & StreamedTimeline)[] = [];
  for (const [i, number] of numbered([...entries.map((entry) => entry.timeline), timeline])) {
    const branch = await branchOf(request, history, number);
    const known = await knownOf(request, branch);
    const [end, furthest] = [ends[i], furthestOf(known, branch)];
    found.push({
      ...{ branch, known, timeline: number, fork: lsnToNumber(branch.fork ?? formatLsn(0)) },
      ...(end === undefined ? {} : { left: lsnToNumber(end) }),
      ...(furthest === undefined ? {} : { furthest }),
    });
    if (furthest !== undefined) break;
  }
  demandNotPutBack(logAhead(found, lsnToNumber(request.written)));
  const { legs, abandoned, over } = planStream(found, { restart, segmentBytes });
  return {
    legs: legs.flatMap((leg) =>
      found.filter(({ timeline: number }) => number === leg.timeline).map((at) => ({ ...at, ...leg })),
    ),
    warnings: [
      ...(over === undefined ? [] : [leftWarning(over)]),
      ...(abandoned === undefined ? [] : [abandonedWarning(abandoned)]),
    ],
  };
}

function demandNotPutBack(ahead: LogRange | undefined): void {
  if (ahead === undefined) return;
  const [from, to] = [formatLsn(ahead.from), formatLsn(ahead.to)];
  const what = `it has written up to LSN ${from}, and the pool has log up to LSN ${to}`;
  throw fail('log_put_back', { timeline: String(ahead.timeline), what });
}

/** The server writes another timeline now. */
export const leftWarning = ({ timeline, left }: { readonly timeline: number; readonly left: number }): Warning => ({
  code: 'timeline_left',
  detail: `the server left timeline ${String(timeline)} at ${formatLsn(left)}: take a full backup of the new one`,
});

const abandonedWarning = ({ timeline, from, to }: LogRange): Warning => ({
  code: 'log_abandoned',
  detail: `the server left timeline ${String(timeline)} at ${formatLsn(from)}: its log from ${formatLsn(from)} to ${formatLsn(to)}, which the pool holds, was abandoned; what was committed there is not in the database any more`,
});

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

/**
 * What the pool has of a branch where the stream goes on, from the segment before it: a record may begin there, and what comes must be
 * seen to continue it. A slot on another server may begin far behind that.
 */
async function knownOf({ pool, restartLsn, segmentBytes }: RouteRequest, branch: OpenBranch): Promise<CommittedBranch> {
  const restart = floorTo(lsnToNumber(restartLsn), segmentBytes);
  const known = await readBranch(pool, branch, restart - segmentBytes);
  const goesOn = floorTo(furthestOf(known, branch) ?? restart, segmentBytes);
  return goesOn < restart ? readBranch(pool, branch, goesOn - segmentBytes) : known;
}

/**
 * End of the log that is known of a branch, in whatever batch it is; undefined when there is none. A batch without segments says where
 * the log before it ends, on a branch without log where that begins.
 */
function furthestOf({ segments, batches }: CommittedBranch, { fork }: OpenBranch): number | undefined {
  const idle = batches.filter(({ to }) => fork === undefined || compareLsn(to, fork) > 0);
  const ends = [...segments.values(), ...idle].map(({ to }) => lsnToNumber(to));
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** Newest first, each with its place in the history. */
const numbered = (timelines: readonly number[]): (readonly [number, number])[] =>
  timelines.map((number, i) => [i, number] as const).reverse();

const floorTo = (position: number, bytes: number): number => position - (position % bytes);
