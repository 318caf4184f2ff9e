import { lsnToNumber } from '../wal/lsn.ts';
import { formatSegmentName, segmentPosition } from '../wal/segment-name.ts';
import type { MemberOfSet, SetMeta } from './meta.ts';

/** Relative, inside the data directory, and the same on every system: no `..`, no empty part, no NUL. */
export const isMemberPath = (path: string): boolean =>
  path !== '' && !path.includes('\0') && !path.split('/').some((part) => part === '' || part === '.' || part === '..');

function frameFault({ pieces, frames }: SetMeta): string | undefined {
  const bad = frames.findIndex((f) => {
    const piece = pieces[f.pieceIndex];
    return piece === undefined || f.offset + f.storedBytes > piece.storedBytes;
  });
  return bad === -1 ? undefined : `frame ${String(bad)} lies outside its piece`;
}

function fileFault(member: Extract<MemberOfSet, { kind: 'file' }>, frames: SetMeta['frames']): string | undefined {
  let covered = 0;
  for (const { frame, offset, length } of member.extents) {
    covered += length;
    if (frame === -1) continue;
    const found = frames[frame];
    if (found === undefined || offset + length > found.rawBytes)
      return `an extent of ${member.path} lies outside its frame`;
  }
  return covered === member.sizeBytes
    ? undefined
    : `the extents of ${member.path} cover ${String(covered)} of ${String(member.sizeBytes)} bytes`;
}

function memberFault({ members, frames }: SetMeta): string | undefined {
  const seen = new Set<string>();
  for (const member of members) {
    if (!isMemberPath(member.path))
      return `${JSON.stringify(member.path.slice(0, 80))} is not a path inside a data directory`;
    if (seen.has(member.path)) return `${member.path} is listed twice`;
    seen.add(member.path);
    const fault = member.kind === 'file' ? fileFault(member, frames) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Design §5: a consistent set holds every log segment from its begin to its end LSN as `pg_wal/<segment>`. */
function logFault({ summary, members }: SetMeta): string | undefined {
  if (!summary.isConsistent) return undefined;
  const { segmentBytes, timeline } = summary;
  const first = segmentPosition(summary.beginSegment, segmentBytes).number;
  const last = segmentPosition(summary.endSegment, segmentBytes).number;
  const isWide =
    first <= Math.floor(lsnToNumber(summary.beginLsn) / segmentBytes) &&
    last >= Math.floor((lsnToNumber(summary.endLsn) - 1) / segmentBytes);
  if (!isWide || last < first) return 'its segments do not cover its log range';
  const files = new Map(members.map((member) => [member.path, member]));
  for (let number = first; number <= last; number++) {
    const name = formatSegmentName({ timeline, number }, segmentBytes);
    const file = files.get(`pg_wal/${name}`);
    if (file?.kind !== 'file' || file.sizeBytes !== segmentBytes)
      return `log segment ${name} is not in the set or not whole`;
  }
  return undefined;
}

/** The first contradiction inside the metadata of a set, in words; undefined when it is sound. */
export const metaFault = (meta: SetMeta): string | undefined => frameFault(meta) ?? memberFault(meta) ?? logFault(meta);
