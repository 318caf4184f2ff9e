import { bug, fail } from '#core/errors/fail.ts';
import type { Span } from '#core/format/chain.ts';
import type { DamagedPage, Extent, FileOfSet, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import { baseFrame, zeroFrame } from '#core/format/meta.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { CarriedFile } from './carrying.ts';
import type { AcknowledgedExtent, AcknowledgedPiece, CopyResult, SourceFile, TornPage } from './copy-request.ts';
import { absoluteOf } from './copy-request.ts';
import type { Place } from './extent-table.ts';
import { ExtentTable } from './extent-table.ts';
import type { Reading } from './reading.ts';
import type { NumberedFile } from './plan-units.ts';
import type { FileFact, KnownSpan, SentPiece } from './threads/thread-message.ts';

/** What must be known of a piece; what it holds of which file is in the table. */
interface PieceRecord {
  readonly piece: PieceOfSet;
  readonly frames: AcknowledgedPiece['frames'];
  isUsed: boolean;
}

const placeWithout = ({ from, length }: Span, frame: number): Place => ({
  ...{ from, piece: -1, frame, offset: 0, length, hash: '' },
});

/**
 * Puts together what the threads tell: which extent of which file lies in which frame. Main thread, no page bytes, and per
 * file as little as can be: a set may have millions.
 */
export class SetAssembly {
  readonly #files: SourceFile[] = [];
  readonly #paths = new Set<string>();
  readonly #places = new ExtentTable();
  /** Files that became shorter during the copy, and those that vanished, by number. */
  readonly #endsAt = new Map<number, number>();
  readonly #missing = new Set<number>();
  readonly #pieces: PieceRecord[];
  readonly #earlier = new Map<
    string,
    ReadonlyMap<number, { readonly piece: number; readonly extent: AcknowledgedExtent }>
  >();
  readonly #damaged: DamagedPage[] = [];
  readonly #torn: TornPage[] = [];
  #bytesSent = 0;
  #bytesReused = 0;
  #bytesOfBase = 0;

  constructor(earlier: readonly AcknowledgedPiece[]) {
    this.#pieces = earlier.map(({ piece, frames }) => ({ piece, frames, isUsed: false }));
    const byPath = new Map<string, Map<number, { piece: number; extent: AcknowledgedExtent }>>();
    for (const [piece, { extents }] of earlier.entries()) {
      for (const extent of extents) {
        const ofPath = byPath.get(extent.path) ?? new Map<number, { piece: number; extent: AcknowledgedExtent }>();
        byPath.set(extent.path, ofPath.set(extent.from, { piece, extent }));
      }
    }
    this.#earlier = byPath;
  }

  /** Hash of the extent at `from` that an acknowledged piece holds with that length, or ''. */
  readonly known = (path: string, from: number, length: number): string => {
    const extent = this.#earlier.get(path)?.get(from)?.extent;
    return extent?.length === length ? extent.hash : '';
  };

  /** Extents of a file that acknowledged pieces hold, rising. */
  readonly knownSpans = (path: string): readonly KnownSpan[] =>
    [...(this.#earlier.get(path)?.values() ?? [])]
      .map(({ extent: { from, length, hash } }) => ({ from, length, hash }))
      .sort((a, b) => a.from - b.from);

  /** Makes a file known; its number names it in messages. */
  add(source: SourceFile, reading: Reading): NumberedFile {
    if (this.#paths.has(source.path)) throw bug(`${source.path} was given to the copy twice`);
    this.#paths.add(source.path);
    const number = this.#files.push(source) - 1;
    if (reading.kind === 'spans') this.#addBased(number, reading.based);
    return { number, source, reading };
  }

  /** Makes a file known whose bytes come from frames of other sets, but for its zeros; its number. */
  addCarried({ file, zeros }: CarriedFile): number {
    const source = { ...file, absolute: file.path, mustExist: true };
    const { number } = this.add(source, { kind: 'spans', spans: [], based: [] });
    for (const span of zeros) this.#places.add(number, placeWithout(span, zeroFrame));
    return number;
  }

  /** Uses an extent that an acknowledged piece holds: `known` said so. */
  reuse(file: number, span: Span): void {
    this.#reuse(file, span);
  }

  /** Takes what a thread found out about (a part of) a file. Throws `source_missing` for a file that must exist. */
  addFact(fact: FileFact): void {
    const { file } = fact;
    const source = this.#file(file);
    const { path } = source;
    if (fact.isMissing) {
      if (source.mustExist) throw fail('source_missing', { path: absoluteOf(source) });
      this.#missing.add(file);
      return;
    }
    if (fact.endsAt !== undefined) this.#endsAt.set(file, Math.min(this.#endOf(file), fact.endsAt));
    for (const span of fact.zeros) this.#places.add(file, placeWithout(span, zeroFrame));
    this.#addBased(file, fact.based);
    for (const span of fact.reused) this.#reuse(file, span);
    for (const block of fact.damagedBlocks) this.#damaged.push({ path, block });
    for (const { block, lsnAt } of fact.torn) this.#torn.push({ path, block, lsn: formatLsn(lsnAt) });
  }

  /** The piece of a thread with the paths that a later attempt knows files by. */
  acknowledged({ piece, frames, extents }: SentPiece): AcknowledgedPiece {
    const named = extents.map(({ file, from, length, hash, frame, offset }): AcknowledgedExtent => {
      return { path: this.#file(file).path, from, length, hash, frame, offset };
    });
    return { piece, frames, extents: named };
  }

  /** Takes a piece that the pool holds. */
  addPiece({ piece, frames, extents }: SentPiece): void {
    const number = this.#pieces.push({ piece, frames, isUsed: true }) - 1;
    this.#bytesSent += piece.storedBytes;
    for (const extent of extents) this.#places.add(extent.file, { ...extent, piece: number });
  }

  /** Everything for the metadata, once all pieces are acknowledged. */
  result(bytesRead: number, endLsn: Lsn | undefined): CopyResult {
    const { pieces, frames, firstFrame } = this.#usedPieces();
    const isBeyond = (page: TornPage): boolean => endLsn !== undefined && lsnToNumber(page.lsn) > lsnToNumber(endLsn);
    const gone = new Set([...this.#missing].map((file) => this.#file(file).path));
    const damaged = [...this.#damaged, ...this.#torn.filter(isBeyond).map(({ path, block }) => ({ path, block }))];
    return {
      pieces,
      frames,
      members: { [Symbol.iterator]: () => this.#members(firstFrame) },
      ...this.#counts(),
      damagedPages: damaged
        .filter(({ path }) => !gone.has(path))
        .sort((a, b) => compareText(a.path, b.path) || a.block - b.block),
      vanished: [...gone],
      bytesRead,
      bytesSent: this.#bytesSent,
      bytesReused: this.#bytesReused,
      bytesOfBase: this.#bytesOfBase,
    };
  }

  /** A file that became shorter during the copy has its real size: the log replays what happened to the rest. */
  *#members(firstFrame: readonly number[]): Generator<FileOfSet> {
    for (const [file, source] of this.#files.entries()) {
      if (this.#missing.has(file)) continue;
      const sizeBytes = this.#endOf(file);
      const extents = extentsOf(source, this.#places.placesOf(file), { sizeBytes, firstFrame });
      const { path, mode, mtimeMs, origin } = source;
      const member = { kind: 'file' as const, path, mode, sizeBytes, mtimeMs, extents };
      yield origin === undefined ? member : { ...member, origin };
    }
  }

  #counts(): Pick<CopyResult, 'fileCount' | 'rawBytes'> {
    let rawBytes = 0;
    for (const file of this.#files.keys()) if (!this.#missing.has(file)) rawBytes += this.#endOf(file);
    return { fileCount: this.#files.length - this.#missing.size, rawBytes };
  }

  #endOf(file: number): number {
    return this.#endsAt.get(file) ?? this.#file(file).sizeBytes;
  }

  #file(number: number): SourceFile {
    const file = this.#files[number];
    if (file === undefined) throw bug(`a copy thread named file ${String(number)}, which nobody gave it`);
    return file;
  }

  #addBased(file: number, spans: readonly Span[]): void {
    for (const span of spans) {
      this.#places.add(file, placeWithout(span, baseFrame));
      this.#bytesOfBase += span.length;
    }
  }

  #reuse(file: number, { from, length }: Span): void {
    const { path } = this.#file(file);
    const found = this.#earlier.get(path)?.get(from);
    const piece = found === undefined ? undefined : this.#pieces[found.piece];
    if (found?.extent.length !== length || piece === undefined)
      throw bug(`${path} reuses an extent that no earlier piece holds`);
    piece.isUsed = true;
    this.#bytesReused += length;
    this.#places.add(file, { ...found.extent, piece: found.piece });
  }

  /** Pieces of earlier attempts that nothing refers to stay out of the set: they are orphans of the pool. */
  #usedPieces(): Pick<CopyResult, 'pieces' | 'frames'> & { firstFrame: readonly number[] } {
    const pieces: CopyResult['pieces'][number][] = [];
    const frames: FrameOfSet[] = [];
    const firstFrame: number[] = [];
    for (const { piece, frames: ofPiece, isUsed } of this.#pieces) {
      firstFrame.push(frames.length);
      if (!isUsed) continue;
      const pieceIndex = pieces.push(piece) - 1;
      for (const frame of ofPiece) frames.push({ pieceIndex, ...frame });
    }
    return { pieces, frames, firstFrame };
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Places in order as extents, without a gap up to the end of the file; neighbours that need no frame are joined. */
function extentsOf(
  { path }: SourceFile,
  places: readonly Place[],
  { sizeBytes, firstFrame }: { readonly sizeBytes: number; readonly firstFrame: readonly number[] },
): readonly Extent[] {
  const extents: Extent[] = [];
  let at = 0;
  for (const { from, piece, frame, offset, length, hash } of places) {
    if (from >= sizeBytes) break;
    if (from !== at) throw bug(`the copy of ${path} has a hole at ${String(Math.min(at, from))}`);
    at += length;
    const last = extents[extents.length - 1];
    if (piece < 0 && last?.frame === frame) extents.splice(-1, 1, { ...last, length: last.length + length });
    else extents.push({ frame: piece < 0 ? frame : (firstFrame[piece] ?? 0) + frame, offset, length, hash });
  }
  if (at !== sizeBytes) throw bug(`the copy of ${path} has a hole at ${String(at)}`);
  return extents;
}
