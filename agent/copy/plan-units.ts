import { extentBytes } from '#agent/wasm/page-memory.ts';
import type { SourceFile } from './copy-request.ts';
import type { FileOfUnit, Unit } from './thread-message.ts';

/** Extents of one file that a thread gets at a time: long enough to read ahead, short enough to share the last file. */
const extentsPerRun = 8;
/** Files below half an extent share frames: a frame a file costs time and size (engine.md §H). */
const bundleBelowBytes = extentBytes / 2;
const filesPerBatch = 64;
const bytesPerBatch = 4 * extentBytes;

/** A file with the number by which threads and main thread speak of it. */
export interface NumberedFile {
  readonly number: number;
  readonly source: SourceFile;
}

/** Hash of the extent at `from` that an acknowledged piece holds with that length, or ''. */
export type KnownExtent = (path: string, from: number, length: number) => string;

const fileOfUnit = ({ number, source }: NumberedFile): FileOfUnit => ({
  file: number,
  path: source.path,
  absolute: source.absolute,
  firstBlock: source.pages?.firstBlock,
});

/** Hashes of the extents of `[from, to)` that need not be sent again; an empty list when there are none. */
export function knownIn(
  path: string,
  range: { readonly from: number; readonly to: number },
  known: KnownExtent,
): string[] {
  const hashes: string[] = [];
  for (let at = range.from; at < range.to; at += extentBytes)
    hashes.push(known(path, at, Math.min(extentBytes, range.to - at)));
  return hashes.some((hash) => hash !== '') ? hashes : [];
}

function* runsOf(file: NumberedFile, known: KnownExtent): Generator<Unit> {
  const { path, sizeBytes } = file.source;
  for (let from = 0; from < sizeBytes; from += extentsPerRun * extentBytes) {
    const to = Math.min(sizeBytes, from + extentsPerRun * extentBytes);
    yield { kind: 'run', of: fileOfUnit(file), from, to, known: knownIn(path, { from, to }, known) };
  }
}

function* batchesOf(files: readonly NumberedFile[], known: KnownExtent): Generator<Unit> {
  let batch: Extract<Unit, { kind: 'batch' }>['files'][number][] = [];
  let bytes = 0;
  for (const file of files) {
    const { path, sizeBytes } = file.source;
    if (batch.length > 0 && (batch.length === filesPerBatch || bytes + sizeBytes > bytesPerBatch)) {
      yield { kind: 'batch', files: batch };
      [batch, bytes] = [[], 0];
    }
    batch.push({ ...fileOfUnit(file), sizeBytes, known: known(path, 0, sizeBytes) });
    bytes += sizeBytes;
  }
  if (batch.length > 0) yield { kind: 'batch', files: batch };
}

/** Work for the threads, largest file first, small files last in batches; made as it is asked for. */
export function* unitsOf(files: readonly NumberedFile[], known: KnownExtent): Generator<Unit> {
  const bySize = files.toSorted((a, b) => b.source.sizeBytes - a.source.sizeBytes);
  const firstSmall = bySize.findIndex(({ source }) => source.sizeBytes < bundleBelowBytes);
  const small = firstSmall < 0 ? [] : bySize.slice(firstSmall);
  for (const file of bySize.slice(0, bySize.length - small.length)) yield* runsOf(file, known);
  yield* batchesOf(small, known);
}
