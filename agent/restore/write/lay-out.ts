import type { NeededExtent } from '#core/format/chain.ts';
import { extentsOfFile, filesOf } from '#core/format/chain.ts';
import type { FileOfSet, FrameOfSet, MemberOfSet, SetMeta } from '#core/format/meta.ts';
import { bug } from '#core/errors/fail.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import type { Warning } from '#core/run/progress.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { attemptKeyOf } from '#agent/sets/set-keys.ts';

/** A part of one file that is wanted of a frame. As little of its own as can be: a set may have millions. */
export interface WantedPart extends Pick<NeededExtent, 'extent' | 'at' | 'spans'> {
  /** Number of the file in the layout. */
  readonly file: number;
}

export interface WantedFrame {
  readonly frame: FrameOfSet;
  readonly parts: readonly WantedPart[];
}

/** Neighbouring frames of one piece that a thread gets at a time. */
export interface WantedShare {
  readonly object: string;
  /** Subkey of the attempt that wrote the piece, in encrypted pools. */
  readonly key: Uint8Array | undefined;
  /** True for the last share of its piece. */
  readonly isLast: boolean;
  readonly frames: readonly WantedFrame[];
}

/** What a restore writes, by piece and by file. What threads are told of it is made when they are told: `layout-messages.ts`. */
export interface Layout {
  readonly shares: readonly WantedShare[];
  readonly files: readonly FileOfSet[];
  /** Where a file is written. */
  readonly pathOf: (file: FileOfSet) => string;
  readonly directories: readonly { readonly path: string; readonly mode: number }[];
  readonly bytes: number;
  readonly warnings: readonly Warning[];
}

/** Left out: they would begin, or belong to, another recovery than the planned one. */
const foreign = new Set(['recovery.signal', 'standby.signal', 'recovery.conf', 'recovery.done', 'backup_manifest']);
/** Written by the main thread, decided late. */
const late = new Set(['tablespace_map']);

export interface LayoutPlace {
  readonly target: EmptyTarget;
  readonly profile: EngineProfile;
}

/** A set of a chain as a layout needs it. */
export interface LaidOutSet {
  readonly meta: SetMeta;
  readonly keys: SetKeys;
}

/**
 * Turns the metadata of a chain, the newest set first, into work for threads: every byte is written once, from the newest set that has
 * it, and only frames that are needed are fetched. Throws `target_escapes` before anything is written.
 */
export function layOut(chain: readonly [LaidOutSet, ...LaidOutSet[]], { target, profile }: LayoutPlace): Layout {
  const { meta } = chain[0];
  const files = meta.members
    .filter((member): member is FileOfSet => member.kind === 'file')
    .filter((file) => isWanted(file, { target, profile }));
  const pathOf = ({ path }: FileOfSet): string => target.pathOf(path);
  // Throws where one escapes.
  files.forEach(pathOf);
  const parts = partsOf(chain, files);
  return {
    shares: chain.flatMap((set, depth) => sharesOfSet(set, parts[depth] ?? new Map<number, WantedPart[]>())),
    ...{ files, pathOf },
    directories: directoriesOf(meta, target, profile),
    bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    warnings: meta.members.flatMap((member) => warnOfLink(member, profile)),
  };
}

const isWanted = (file: FileOfSet, { target, profile }: LayoutPlace): boolean =>
  !target.isControl(file.path) &&
  file.path !== profile.files.pid &&
  file.path !== profile.files.opts &&
  !file.path.startsWith('.holdfast-') &&
  !foreign.has(file.path) &&
  !late.has(file.path);

type PartsByFrame = Map<number, WantedPart[]>;

/** What is wanted of the frames of each set of the chain. */
function partsOf(chain: readonly LaidOutSet[], files: readonly FileOfSet[]): readonly PartsByFrame[] {
  const bases = chain.slice(1).map(({ meta }) => filesOf(meta));
  const parts = chain.map((): PartsByFrame => new Map());
  files.forEach((newest, file) => {
    for (const { depth, extent, at, spans } of extentsOfFile(newest, bases)) {
      const part = spans === undefined ? { file, extent, at } : { file, extent, at, spans };
      const ofSet = parts[depth];
      const known = ofSet?.get(extent.frame);
      if (known === undefined) ofSet?.set(extent.frame, [part]);
      else known.push(part);
    }
  });
  return parts;
}

function sharesOfSet(
  { meta, keys }: LaidOutSet,
  parts: ReadonlyMap<number, readonly WantedPart[]>,
): readonly WantedShare[] {
  const byPiece = new Map<number, WantedFrame[]>();
  meta.frames.forEach((frame, index) => {
    const wanted = parts.get(index);
    if (wanted === undefined) return;
    const known = byPiece.get(frame.pieceIndex) ?? [];
    known.push({ frame, parts: wanted });
    byPiece.set(frame.pieceIndex, known);
  });
  return [...byPiece].flatMap(([index, frames]) => {
    const piece = meta.pieces[index];
    if (piece === undefined) throw bug(`frame of piece ${String(index)}, which the set does not have`);
    const object = pieceKey(meta.summary.setId, piece.attempt, piece.piece);
    const key = keys.dataKey === undefined ? undefined : attemptKeyOf(keys.dataKey, piece.attempt);
    const shares = sharesOf(frames);
    return shares.map((share, i) => ({ object, key, isLast: i === shares.length - 1, frames: share }));
  });
}

/** Raw bytes of a task: a piece that shrank twentyfold would keep one thread busy while the others have nothing to do. */
const shareBytes = 32 * 1_048_576;
/** Making a small file takes as long as writing this many bytes. */
const bytesPerFile = 128 * 1024;
/** Unneeded stored bytes that are fetched with their neighbours: another request would take longer. */
const widestGap = 256 * 1024;

/** Cuts the frames of a piece into tasks of like work, in the order they lie. */
function sharesOf(frames: readonly WantedFrame[]): readonly (readonly WantedFrame[])[] {
  const shares: WantedFrame[][] = [];
  let share: WantedFrame[] = [];
  let work = shareBytes;
  let end = 0;
  for (const wanted of [...frames].sort((a, b) => a.frame.offset - b.frame.offset)) {
    if (work >= shareBytes || wanted.frame.offset - end > widestGap) {
      share = [];
      shares.push(share);
      work = 0;
    }
    share.push(wanted);
    work += wanted.frame.rawBytes + wanted.parts.length * bytesPerFile;
    end = wanted.frame.offset + wanted.frame.storedBytes;
  }
  return shares;
}

/** Directories of the set, and those whose contents a set never holds but without which no server starts (peers.md §5 item 7). */
function directoriesOf(meta: SetMeta, target: EmptyTarget, profile: EngineProfile): Layout['directories'] {
  const { contentsOf } = profile.exclusions;
  const needed = [...contentsOf, profile.files.log, `${profile.files.log}/archive_status`, profile.files.tablespaces];
  const found = meta.members.flatMap((member) =>
    member.kind === 'directory' ? [{ path: member.path, mode: member.mode & 0o7777 }] : [],
  );
  const links = meta.members.filter((member) => isFollowedLink(member, meta, profile)).map(({ path }) => path);
  return [
    ...found,
    ...[...needed, ...links]
      .filter((path) => !found.some((one) => one.path === path))
      .map((path) => ({ path, mode: 0o700 })),
  ]
    .filter(({ path }) => path !== '' && path !== '.')
    .map(({ path, mode }) => ({ path: target.pathOf(path), mode }));
}

function isTablespaceLink(path: string, { files }: EngineProfile): boolean {
  const [top, oid = '', ...rest] = path.split('/');
  return top === files.tablespaces && /^\d+$/.test(oid) && rest.length === 0;
}

/** A directory that was a link in the source (a log directory elsewhere) becomes a plain directory: a target is complete in itself. */
const isFollowedLink = (member: MemberOfSet, meta: SetMeta, profile: EngineProfile): boolean =>
  member.kind === 'symlink' &&
  !isTablespaceLink(member.path, profile) &&
  (member.path === profile.files.log || meta.members.some((other) => other.path.startsWith(`${member.path}/`)));

function warnOfLink(member: MemberOfSet, profile: EngineProfile): readonly Warning[] {
  if (member.kind !== 'symlink' || isTablespaceLink(member.path, profile)) return [];
  return [
    {
      code: 'link_not_restored',
      detail: `${member.path} was a link to ${member.target}; nothing outside the target is written, so the link was not made`,
    },
  ];
}
