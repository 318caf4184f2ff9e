import { bug, fail } from '#core/errors/fail.ts';
import type { Span } from '#core/format/chain.ts';
import type { DamagedPage, Extent, FrameOfSet } from '#core/format/meta.ts';
import { baseFrame, zeroFrame } from '#core/format/meta.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { CarriedFile } from './carrying.ts';
import type { AcknowledgedExtent, AcknowledgedPiece, CopyResult, SourceFile, TornPage } from './copy-request.ts';
import type { Reading } from './reading.ts';
import type { NumberedFile } from './plan-units.ts';
import type { FileFact, KnownSpan } from './thread-message.ts';

/** Where some bytes of a file lie; `piece` counts in the assembly, -1 = in none, as `frame` says. */
interface Place extends Extent {
  /** Offset in the file. */
  readonly from: number;
  readonly piece: number;
}

interface FileRecord {
  readonly source: SourceFile;
  /** In no order. */
  readonly places: Place[];
  endsAt: number;
  isMissing: boolean;
}

const placeWithout = ({ from, length }: Span, frame: number): Place => ({
  ...{ from, piece: -1, frame, offset: 0, length, hash: '' },
});

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
  #bytesOfBase = 0;

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
    const file: FileRecord = { source, places: [], endsAt: source.sizeBytes, isMissing: false };
    const number = this.#files.push(file) - 1;
    if (reading.kind === 'spans') this.#addBased(file, reading.based);
    return { number, source, reading };
  }

  /** Makes a file known whose bytes come from frames of other sets, but for its zeros; its number. */
  addCarried({ file, zeros }: CarriedFile): number {
    const source = { ...file, absolute: file.path, mustExist: true };
    const { number } = this.add(source, { kind: 'spans', spans: [], based: [] });
    for (const span of zeros) this.#file(number).places.push(placeWithout(span, zeroFrame));
    return number;
  }

  /** Uses an extent that an acknowledged piece holds: `known` said so. */
  reuse(file: number, span: Span): void {
    this.#reuse(this.#file(file), span);
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
    for (const span of fact.zeros) file.places.push(placeWithout(span, zeroFrame));
    this.#addBased(file, fact.based);
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
      this.#file(files[i] ?? -1).places.push(placeOf(number, extent));
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
      bytesOfBase: this.#bytesOfBase,
    };
  }

  #file(number: number): FileRecord {
    const file = this.#files[number];
    if (file === undefined) throw bug(`a copy thread named file ${String(number)}, which nobody gave it`);
    return file;
  }

  #addBased(file: FileRecord, spans: readonly Span[]): void {
    for (const span of spans) {
      file.places.push(placeWithout(span, baseFrame));
      this.#bytesOfBase += span.length;
    }
  }

  #reuse(file: FileRecord, { from, length }: Span): void {
    const found = this.#earlier.get(file.source.path)?.get(from);
    if (found?.extent.length !== length) throw bug(`${file.source.path} reuses an extent that no earlier piece holds`);
    this.#wasUsed[found.piece] = true;
    this.#bytesReused += length;
    file.places.push(placeOf(found.piece, found.extent));
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

const placeOf = (piece: number, { from, frame, offset, length, hash }: AcknowledgedExtent): Place => ({
  ...{ from, piece, frame, offset, length, hash },
});

/** A file that became shorter during the copy has its real size: the log replays what happened to the rest. */
function memberOf(file: FileRecord, firstFrame: readonly number[]): CopyResult['members'][number] {
  const { path, mode, mtimeMs, origin } = file.source;
  const sizeBytes = file.endsAt;
  const extents = extentsOf(file, firstFrame);
  const head = { kind: 'file', path, mode, sizeBytes, mtimeMs, extents } as const;
  return origin === undefined ? head : { ...head, origin };
}

/** Places in order as extents, without a gap up to the end of the file; neighbours that need no frame are joined. */
function extentsOf({ source, places, endsAt }: FileRecord, firstFrame: readonly number[]): readonly Extent[] {
  const extents: Extent[] = [];
  let at = 0;
  for (const { from, piece, frame, offset, length, hash } of places.sort((a, b) => a.from - b.from)) {
    if (from >= endsAt) break;
    if (from !== at) throw bug(`the copy of ${source.path} has a hole at ${String(Math.min(at, from))}`);
    at += length;
    const last = extents[extents.length - 1];
    if (piece < 0 && last?.frame === frame) extents.splice(-1, 1, { ...last, length: last.length + length });
    else extents.push({ frame: piece < 0 ? frame : (firstFrame[piece] ?? 0) + frame, offset, length, hash });
  }
  if (at !== endsAt) throw bug(`the copy of ${source.path} has a hole at ${String(at)}`);
  return extents;
}
