import { extentBytes } from '#agent/wasm/page-memory.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { DamagedPage, Extent, FrameOfSet } from '#core/format/meta.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { AcknowledgedExtent, AcknowledgedPiece, CopyResult, SourceFile, TornPage } from './copy-request.ts';
import type { KnownExtent, NumberedFile } from './plan-units.ts';
import type { FileFact, Span } from './thread-message.ts';

/** Where the bytes of one extent lie; `piece` counts in the assembly, -1 = nowhere because they are all zero. */
interface Place {
  readonly piece: number;
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
  readonly hash: string;
}

interface FileRecord {
  readonly source: SourceFile;
  /** By extent number. */
  readonly places: (Place | undefined)[];
  endsAt: number;
  isMissing: boolean;
}

const zeros = (length: number): Place => ({ piece: -1, frame: -1, offset: 0, length, hash: '' });
const slotOf = (from: number): number => Math.floor(from / extentBytes);

/** Puts together what the threads tell: which extent of which file lies in which frame. Main thread, no page bytes. */
export class SetAssembly {
  readonly #files: FileRecord[] = [];
  readonly #paths = new Set<string>();
  readonly #pieces: AcknowledgedPiece[];
  readonly #wasUsed: boolean[];
  readonly #earlier = new Map<
    string,
    ReadonlyMap<number, { readonly piece: number; readonly extent: AcknowledgedExtent }>
  >();
  readonly #damaged: DamagedPage[] = [];
  readonly #torn: TornPage[] = [];
  #bytesSent = 0;
  #bytesReused = 0;

  constructor(earlier: readonly AcknowledgedPiece[]) {
    this.#pieces = [...earlier];
    this.#wasUsed = earlier.map(() => false);
    const byPath = new Map<string, Map<number, { piece: number; extent: AcknowledgedExtent }>>();
    for (const [piece, { extents }] of earlier.entries()) {
      for (const extent of extents) {
        const ofPath = byPath.get(extent.path) ?? new Map<number, { piece: number; extent: AcknowledgedExtent }>();
        byPath.set(extent.path, ofPath.set(extent.from, { piece, extent }));
      }
    }
    this.#earlier = byPath;
  }

  readonly known: KnownExtent = (path, from, length) => {
    const extent = this.#earlier.get(path)?.get(from)?.extent;
    return extent?.length === length ? extent.hash : '';
  };

  /** Makes a file known; its number names it in messages. */
  add(source: SourceFile): NumberedFile {
    if (this.#paths.has(source.path)) throw bug(`${source.path} was given to the copy twice`);
    this.#paths.add(source.path);
    const number = this.#files.push({ source, places: [], endsAt: source.sizeBytes, isMissing: false }) - 1;
    return { number, source };
  }

  /** Takes what a thread found out about (a part of) a file. Throws `source_missing` for a file that must exist. */
  addFact(fact: FileFact): void {
    const file = this.#file(fact.file);
    const { path } = file.source;
    if (fact.isMissing) {
      if (file.source.mustExist) throw fail('source_missing', { path: file.source.absolute });
      file.isMissing = true;
      return;
    }
    if (fact.endsAt !== undefined) file.endsAt = Math.min(file.endsAt, fact.endsAt);
    for (const { from, length } of fact.zeros) file.places[slotOf(from)] = zeros(length);
    for (const span of fact.reused) this.#reuse(file, span);
    for (const block of fact.damagedBlocks) this.#damaged.push({ path, block });
    for (const { block, lsnAt } of fact.torn) this.#torn.push({ path, block, lsn: formatLsn(lsnAt) });
  }

  /** Takes a piece that the pool holds; `files` are the numbers of its extents' files. */
  addPiece(piece: AcknowledgedPiece, files: readonly number[]): void {
    const number = this.#pieces.push(piece) - 1;
    this.#wasUsed.push(true);
    this.#bytesSent += piece.piece.storedBytes;
    for (const [i, extent] of piece.extents.entries()) {
      this.#file(files[i] ?? -1).places[slotOf(extent.from)] = placeOf(number, extent);
    }
  }

  /** Everything for the metadata, once all pieces are acknowledged. */
  result(bytesRead: number, endLsn: Lsn | undefined): CopyResult {
    const { pieces, frames, firstFrame } = this.#usedPieces();
    const isBeyond = (page: TornPage): boolean => endLsn !== undefined && lsnToNumber(page.lsn) > lsnToNumber(endLsn);
    const kept = this.#files.filter(({ isMissing }) => !isMissing);
    const gone = new Set(this.#files.filter(({ isMissing }) => isMissing).map(({ source }) => source.path));
    const damaged = [...this.#damaged, ...this.#torn.filter(isBeyond).map(({ path, block }) => ({ path, block }))];
    return {
      pieces,
      frames,
      members: kept.map((file) => memberOf(file, firstFrame)),
      damagedPages: damaged
        .filter(({ path }) => !gone.has(path))
        .sort((a, b) => compareText(a.path, b.path) || a.block - b.block),
      vanished: [...gone],
      bytesRead,
      bytesSent: this.#bytesSent,
      bytesReused: this.#bytesReused,
    };
  }

  #file(number: number): FileRecord {
    const file = this.#files[number];
    if (file === undefined) throw bug(`a copy thread named file ${String(number)}, which nobody gave it`);
    return file;
  }

  #reuse(file: FileRecord, { from, length }: Span): void {
    const found = this.#earlier.get(file.source.path)?.get(from);
    if (found === undefined) throw bug(`${file.source.path} reuses an extent that no earlier piece holds`);
    this.#wasUsed[found.piece] = true;
    this.#bytesReused += length;
    file.places[slotOf(from)] = placeOf(found.piece, found.extent);
  }

  /** Pieces of earlier attempts that nothing refers to stay out of the set: they are orphans of the pool. */
  #usedPieces(): Pick<CopyResult, 'pieces' | 'frames'> & { firstFrame: readonly number[] } {
    const pieces: CopyResult['pieces'][number][] = [];
    const frames: FrameOfSet[] = [];
    const firstFrame: number[] = [];
    for (const [i, { piece, frames: ofPiece }] of this.#pieces.entries()) {
      firstFrame.push(frames.length);
      if (this.#wasUsed[i] !== true) continue;
      const pieceIndex = pieces.push(piece) - 1;
      for (const frame of ofPiece) frames.push({ pieceIndex, ...frame });
    }
    return { pieces, frames, firstFrame };
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const placeOf = (piece: number, { frame, offset, length, hash }: AcknowledgedExtent): Place => ({
  piece,
  frame,
  offset,
  length,
  hash,
});

/** A file that became shorter during the copy has its real size: the log replays what happened to the rest. */
function memberOf(file: FileRecord, firstFrame: readonly number[]): CopyResult['members'][number] {
  const { path, mode, mtimeMs, origin } = file.source;
  const sizeBytes = file.endsAt;
  const extents: Extent[] = [];
  for (let from = 0, slot = 0; from < sizeBytes; from += extentBytes, slot++) {
    const place = file.places[slot];
    if (place?.length !== Math.min(extentBytes, sizeBytes - from))
      throw bug(`the copy of ${path} has a hole at ${String(from)}`);
    const frame = place.piece < 0 ? -1 : (firstFrame[place.piece] ?? 0) + place.frame;
    extents.push({ frame, offset: place.offset, length: place.length, hash: place.hash });
  }
  const head = { kind: 'file', path, mode, sizeBytes, mtimeMs, extents } as const;
  return origin === undefined ? head : { ...head, origin };
}
