import { relationPlace } from '#core/changed/relation-place.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import type { EngineFiles } from '#core/engine/profile.ts';
import type { FilesByPath, NeededExtent } from '#core/format/chain.ts';
import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { Extent, FileOfSet, SetMeta } from '#core/format/meta.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import type { ExtentCheck, FrameCheck, PageRules, PagesOfExtent, PieceCheck } from './check.ts';

type Opened = Pick<OpenSet, 'meta' | 'keys'>;

/** A set with what of it must be whole. */
export interface PartOfChain {
  readonly set: Opened;
  readonly pieces: readonly PieceCheck[];
}

/** What is said of an extent while checks are put together. */
interface FrameDraft {
  readonly frame: FrameCheck['frame'];
  readonly extents: ExtentCheck[];
}

/**
 * The newest set whole, and of the sets below it, when all of them are given, the frames that a restore of the newest reads. With
 * `withPages` the pages of relation files are judged as well, in sets of servers that have page checksums.
 */
export function checksOf(chain: readonly Opened[], withPages: boolean): readonly PartOfChain[] {
  const [newest] = chain;
  if (newest === undefined) return [];
  const needed = neededOf(chain, withPages && newest.meta.summary.hasChecksums ? newest : undefined);
  return chain.map((set, depth) => ({ set, pieces: piecesOf(set, depth === 0, needed[depth] ?? nothingNeeded()) }));
}

/** What is needed of one set. */
interface NeededOfSet {
  readonly frames: Set<number>;
  readonly pages: Map<Extent, PagesOfExtent>;
}
const nothingNeeded = (): NeededOfSet => ({ frames: new Set(), pages: new Map() });

/** By set of the chain; pages only when the set is given of which they are. */
function neededOf(chain: readonly Opened[], paged: Opened | undefined): readonly NeededOfSet[] {
  const files = chain.map(({ meta }) => filesOf(meta));
  const needed = chain.map(nothingNeeded);
  if (chain.length === 1 && paged === undefined) return needed;
  const isWhole = chain[chain.length - 1]?.meta.summary.base === undefined;
  for (const [path, file] of files[0] ?? []) {
    const firstBlock = paged === undefined ? undefined : firstBlockOf(path, paged.meta, files[0]);
    for (const one of isWhole ? neededExtents(files, path) : ownExtents(file)) {
      needed[one.depth]?.frames.add(one.extent.frame);
      if (firstBlock !== undefined) needed[one.depth]?.pages.set(one.extent, pagesOf(one, { path, firstBlock, chain }));
    }
  }
  return needed;
}

/** What a set stores of a file itself: where the sets below are not looked at. */
function* ownExtents(file: FileOfSet): Generator<NeededExtent> {
  let at = 0;
  for (const extent of file.extents) {
    if (extent.frame >= 0) yield { depth: 0, extent, at };
    at += extent.length;
  }
}

/** Pieces with their frames and the extents that must match in each; of a base only frames that are needed. */
function piecesOf(
  { meta, keys }: Opened,
  isNewest: boolean,
  { frames: wanted, pages }: NeededOfSet,
): readonly PieceCheck[] {
  const frames: FrameDraft[] = meta.frames.map((frame) => ({ frame, extents: [] }));
  for (const member of meta.members) {
    if (member.kind !== 'file') continue;
    for (const extent of member.extents) {
      const of = pages.get(extent);
      frames[extent.frame]?.extents.push(of === undefined ? { extent } : { extent, pages: of });
    }
  }
  const byPiece: FrameDraft[][] = meta.pieces.map(() => []);
  for (const [index, draft] of frames.entries())
    if (isNewest || wanted.has(index)) byPiece[draft.frame.pieceIndex]?.push(draft);
  const rules = pages.size === 0 ? {} : { rules: rulesOf(meta) };
  const all = meta.pieces.map((piece, i): PieceCheck => ({
    kind: 'piece',
    ...{ keys, piece, frames: byPiece[i] ?? [] },
    ...rules,
  }));
  return isNewest ? all : all.filter((check) => check.frames.length > 0);
}

const rulesOf = ({ summary }: SetMeta): PageRules => ({
  pageBytes: summary.pageBytes,
  beginAt: lsnToNumber(summary.beginLsn),
  endAt: lsnToNumber(summary.endLsn),
});

interface PagePlace {
  readonly path: string;
  readonly firstBlock: number;
  readonly chain: readonly Opened[];
}

function pagesOf({ depth, at, spans }: NeededExtent, { path, firstBlock, chain }: PagePlace): PagesOfExtent {
  const damaged = chain[depth]?.meta.damagedPages ?? [];
  const known = damaged.filter((page) => page.path === path).map(({ block }) => block);
  return { path, at, firstBlock, known, ...(spans === undefined ? {} : { spans }) };
}

/**
 * Number of the first page of a relation file within its fork; undefined for other files. How many pages a file of a relation
 * holds is told by the first file: a later one exists only when it is full.
 */
function firstBlockOf(path: string, { summary }: SetMeta, files: FilesByPath | undefined): number | undefined {
  const { pageBytes, engine } = summary;
  const layout: EngineFiles = engineProfile(engine).files;
  const firstFile = files?.get(path.replace(/\.\d+$/, ''));
  const pagesPerFile = Math.floor((firstFile?.sizeBytes ?? 0) / pageBytes);
  return relationPlace(path, { files: layout, pageBytes, pagesPerFile })?.firstBlock;
}
