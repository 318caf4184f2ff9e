import { engineProfiles } from '../engine/profiles.ts';
import { compareLsn, lsnToNumber } from '../wal/lsn.ts';
import { formatSegmentName, segmentPosition } from '../wal/segment-name.ts';
import type { FileOfSet, SetMeta } from './meta.ts';
import { baseFrame, zeroFrame } from './meta.ts';

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

function fileFault(member: FileOfSet, { frames, summary }: SetMeta): string | undefined {
  let covered = 0;
  for (const { frame, offset, length } of member.extents) {
    covered += length;
    if (frame === zeroFrame) continue;
    if (frame === baseFrame) {
      if (summary.base === undefined) return `an extent of ${member.path} is in a base, which the set has not`;
      continue;
    }
    const found = frames[frame];
    if (found === undefined || offset + length > found.rawBytes)
      return `an extent of ${member.path} lies outside its frame`;
  }
  return covered === member.sizeBytes
    ? undefined
    : `the extents of ${member.path} cover ${String(covered)} of ${String(member.sizeBytes)} bytes`;
}

function memberFault(meta: SetMeta): string | undefined {
  const { members } = meta;
  const seen = new Set<string>();
  for (const member of members) {
    if (!isMemberPath(member.path))
      return `${JSON.stringify(member.path.slice(0, 80))} is not a path inside a data directory`;
    if (seen.has(member.path)) return `${member.path} is listed twice`;
    seen.add(member.path);
    const fault = member.kind === 'file' ? fileFault(member, meta) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Design §5: a consistent set holds every log segment from its begin to its end LSN in the log directory of its engine. */
function logFault({ summary, members }: SetMeta): string | undefined {
  if (!summary.isConsistent) return undefined;
  const profile = engineProfiles.find(({ name }) => name === summary.engine);
  if (profile === undefined) return `its engine "${summary.engine}" is not known`;
  const { segmentBytes, timeline } = summary;
  const first = segmentPosition(summary.beginSegment, segmentBytes).number;
  const last = segmentPosition(summary.endSegment, segmentBytes).number;
  const isWide =
    first <= Math.floor(lsnToNumber(summary.beginLsn) / segmentBytes) &&
    last >= Math.floor((lsnToNumber(summary.endLsn) - 1) / segmentBytes);
  if (!isWide || last < first) return 'its segments do not cover its log range';
  const sizes = new Map<string, number>();
  // Only what lies there: a set may have millions of members.
  for (const member of members)
    if (member.kind === 'file' && member.path.startsWith(`${profile.files.log}/`))
      sizes.set(member.path, member.sizeBytes);
  for (let number = first; number <= last; number++) {
    const name = formatSegmentName({ timeline, number }, segmentBytes);
    if (sizes.get(`${profile.files.log}/${name}`) !== segmentBytes)
      return `log segment ${name} is not in the set or not whole`;
  }
  return undefined;
}

/** Exactly the sets that are no full build on another (D-023…D-025). */
function baseFault({ summary: { type, base, setId, beginLsn } }: SetMeta): string | undefined {
  if ((type === 'full') !== (base === undefined)) return `its type is ${type}, which does not fit its base`;
  if (base === undefined) return undefined;
  if (base.setId === setId) return 'it names itself as its base';
  if (type === 'cumulative' && base.setId !== base.fullSetId) return 'it is cumulative but its base is no full';
  return compareLsn(beginLsn, base.endLsn) < 0
    ? `it begins at ${beginLsn}, before the end of its base (D-019)`
    : undefined;
}

/** The first contradiction inside the metadata of a set, in words; undefined when it is sound. */
export const metaFault = (meta: SetMeta): string | undefined =>
  frameFault(meta) ?? baseFault(meta) ?? memberFault(meta) ?? logFault(meta);
