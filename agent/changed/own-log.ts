import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import { isWholeSegment } from '#core/log/whole-segment.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { readServerFacts } from '#agent/database/server-facts.ts';
import { hashOfStart } from '#agent/wal/hash-of-start.ts';
import type { RouteStep } from './log-places.ts';
import type { ChangedPagesRequest } from './request.ts';

/** Whether committed log is that of the server. */
export interface OwnLog {
  /** Why it is not, in words; undefined: nothing speaks against it. */
  readonly other?: string;
  readonly bytesRead: number;
}

/**
 * Looks whether the pool's log of the timeline that is written now is that of this server. A server that was put back to an earlier
 * state (storage snapshot) without a timeline of its own writes other log under the positions that the pool knows already: it has
 * not come so far yet, or its newest file that the pool has, too, is another one. Of a standby the pool may well know more.
 */
export async function ownLog(request: ChangedPagesRequest, { committed, timeline }: RouteStep): Promise<OwnLog> {
  const { session } = request;
  const ends = committed.batches.map(({ to }) => to);
  const furthest = ends.reduce<Lsn | undefined>(
    (most, to) => (most === undefined || compareLsn(to, most) > 0 ? to : most),
    undefined,
  );
  if (furthest === undefined) return { bytesRead: 0 };
  const { role, insertLsn } = await readServerFacts(session);
  if (role !== 'standby' && compareLsn(furthest, insertLsn) > 0)
    return {
      bytesRead: 0,
      other: `the pool has log of timeline ${String(timeline)} up to ${furthest}, and the server has written it up to ${insertLsn} only: it was put back to an earlier state`,
    };
  return compareNewest(request, [...committed.segments.values()]);
}

/** The newest whole segment that both have: those before it are not needed to tell. */
function compareNewest({ dataDirectory, engine }: ChangedPagesRequest, segments: readonly SegmentOfBatch[]): OwnLog {
  const directory = join(dataDirectory, engineProfile(engine).files.log);
  const whole = segments.filter(isWholeSegment);
  for (const { name, rawBytes, rawSha256 } of whole.sort((a, b) => compareLsn(b.from, a.from))) {
    const sha256 = hashOfStart(join(directory, name), rawBytes);
    if (sha256 === undefined) continue;
    const other = `segment ${name} of the server is not the one that the pool holds: the server was put back to an earlier state, or it is a copy`;
    return { bytesRead: rawBytes, ...(sha256 === rawSha256 ? {} : { other }) };
  }
  return { bytesRead: 0 };
}
