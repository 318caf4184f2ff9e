import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { FileOfSet, FrameOfSet, MemberOfSet, SetMeta } from '#core/format/meta.ts';
import { bug } from '#core/errors/fail.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import type { Warning } from '#core/run/progress.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { attemptKeyOf } from '#agent/sets/set-keys.ts';
import type { FileEnd, FramePart, PieceTask } from './write-message.ts';

/** What a restore writes, by piece and by file, with absolute paths. */
export interface Layout {
  readonly pieces: readonly PieceTask[];
  readonly files: readonly FileEnd[];
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
  const parts = partsOf(chain, files, target);
  return {
    pieces: chain.flatMap((set, depth) => piecesOf(set, parts[depth] ?? new Map<number, FramePart[]>())),
    files: files.map((file) => ({
      path: target.pathOf(file.path),
      member: file.path,
      sizeBytes: file.sizeBytes,
      mode: file.mode,
      mtimeMs: file.mtimeMs,
    })),
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

type PartsByFrame = Map<number, FramePart[]>;

/** What is wanted of the frames of each set of the chain. */
function partsOf(
  chain: readonly LaidOutSet[],
  files: readonly FileOfSet[],
  target: EmptyTarget,
): readonly PartsByFrame[] {
  const byPath = chain.map(({ meta }) => filesOf(meta));
  const parts = chain.map((): PartsByFrame => new Map());
  for (const file of files) {
    const path = target.pathOf(file.path);
    for (const { depth, extent, at, spans } of neededExtents(byPath, file.path)) {
      const { frame, offset: from, length, hash } = extent;
      const part = {
        path,
        at,
        fileBytes: file.sizeBytes,
        from,
        length,
        hash,
        ...(spans === undefined ? {} : { spans }),
      };
      const ofSet = parts[depth];
      const known = ofSet?.get(frame);
      if (known === undefined) ofSet?.set(frame, [part]);
      else known.push(part);
    }
  }
  return parts;
}

function piecesOf({ meta, keys }: LaidOutSet, parts: ReadonlyMap<number, readonly FramePart[]>): readonly PieceTask[] {
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
    return shares.map((share, i) => ({ object, key, isLast: i === shares.length - 1, ...spanOf(share) }));
  });
}

interface WantedFrame {
  readonly frame: FrameOfSet;
  readonly parts: readonly FramePart[];
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

function spanOf(frames: readonly WantedFrame[]): Pick<PieceTask, 'from' | 'storedBytes' | 'frames'> {
  const from = frames[0]?.frame.offset ?? 0;
  const last = frames.at(-1)?.frame;
  return {
    from,
    storedBytes: last === undefined ? 0 : last.offset + last.storedBytes - from,
    frames: frames.map(({ frame, parts }) => ({
      offset: frame.offset,
      storedBytes: frame.storedBytes,
      sha256: frame.sha256,
      parts,
    })),
  };
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
