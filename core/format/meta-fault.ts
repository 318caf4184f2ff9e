import { engineProfiles } from '../engine/profiles.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import { compareLsn, lsnToNumber } from '../wal/lsn.ts';
import { formatSegmentName, segmentPosition } from '../wal/segment-name.ts';
import type { FileOfSet, SetToCommit } from './meta.ts';
import { baseFrame, zeroFrame } from './meta.ts';
import { cutText } from '../text.ts';

/** Relative, inside the data directory, and the same on every system: no `..`, no empty part, no NUL. */
export const isMemberPath = (path: string): boolean =>
  path !== '' && !path.includes('\0') && !path.split('/').some((part) => part === '' || part === '.' || part === '..');

function frameFault({ pieces, frames }: SetToCommit): string | undefined {
  const bad = frames.findIndex((f) => {
    const piece = pieces[f.pieceIndex];
    return piece === undefined || f.offset + f.storedBytes > piece.storedBytes;
  });
  return bad === -1 ? undefined : `frame ${String(bad)} lies outside its piece`;
}

function fileFault(member: FileOfSet, { frames, summary }: SetToCommit): string | undefined {
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

/** `see` hears of every file that is sound. */
function memberFault(meta: SetToCommit, see: (file: FileOfSet) => void): string | undefined {
  const { members } = meta;
  const seen = new Set<string>();
  for (const member of members) {
    if (!isMemberPath(member.path))
      return `${JSON.stringify(cutText(member.path, 80))} is not a path inside a data directory`;
    if (seen.has(member.path)) return `${member.path} is listed twice`;
    seen.add(member.path);
    if (member.kind !== 'file') continue;
    const fault = fileFault(member, meta);
    if (fault !== undefined) return fault;
    see(member);
  }
  return undefined;
}

/** Sizes of files of the log directory by path; only what lies there is kept: a set may have millions of members. */
class LogOfSet {
  readonly directory: string | undefined;
  readonly sizes = new Map<string, number>();

  constructor({ engine }: SetSummary) {
    this.directory = engineProfiles.find(({ name }) => name === engine)?.files.log;
  }

  readonly see = ({ path, sizeBytes }: FileOfSet): void => {
    if (this.directory !== undefined && path.startsWith(`${this.directory}/`)) this.sizes.set(path, sizeBytes);
  };
}

/** Design §5: a consistent set holds every log segment from its begin to its end LSN in the log directory of its engine. */
function logFault(summary: SetSummary, { directory, sizes }: LogOfSet): string | undefined {
  if (!summary.isConsistent) return undefined;
  if (directory === undefined) return `its engine "${summary.engine}" is not known`;
  const { segmentBytes, timeline } = summary;
  const first = segmentPosition(summary.beginSegment, segmentBytes).number;
  const last = segmentPosition(summary.endSegment, segmentBytes).number;
  const isWide =
    first <= Math.floor(lsnToNumber(summary.beginLsn) / segmentBytes) &&
    last >= Math.floor((lsnToNumber(summary.endLsn) - 1) / segmentBytes);
  if (!isWide || last < first) return 'its segments do not cover its log range';
  for (let number = first; number <= last; number++) {
    const name = formatSegmentName({ timeline, number }, segmentBytes);
    if (sizes.get(`${directory}/${name}`) !== segmentBytes) return `log segment ${name} is not in the set or not whole`;
  }
  return undefined;
}

/** Exactly the sets that are no full build on another (D-023…D-025). */
function baseFault({ summary: { type, base, setId, beginLsn } }: SetToCommit): string | undefined {
  if ((type === 'full') !== (base === undefined)) return `its type is ${type}, which does not fit its base`;
  if (base === undefined) return undefined;
  if (base.setId === setId) return 'it names itself as its base';
  if (type === 'cumulative' && base.setId !== base.fullSetId) return 'it is cumulative but its base is no full';
  return compareLsn(beginLsn, base.endLsn) < 0
    ? `it begins at ${beginLsn}, before the end of its base (D-019)`
    : undefined;
}

/** The first contradiction inside the metadata of a set, in words; undefined when it is sound. */
export function metaFault(meta: SetToCommit): string | undefined {
  const log = new LogOfSet(meta.summary);
  return frameFault(meta) ?? baseFault(meta) ?? memberFault(meta, log.see) ?? logFault(meta.summary, log);
}
