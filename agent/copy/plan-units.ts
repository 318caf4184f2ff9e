import { extentBytes } from '#agent/wasm/page-memory.ts';
import type { BaseFiles, SourceFile } from './copy-request.ts';
import { absoluteOf } from './copy-request.ts';
import type { Reading } from './reading.ts';
import { bytesToRead, cutAtKnown } from './reading.ts';
import type { FileOfUnit, KnownSpan, ReadSpan, ScanOfFile, Unit } from './threads/thread-message.ts';

/** Extents of one file that a thread gets at a time: long enough to read ahead, short enough to share the last file. */
const extentsPerRun = 8;
const bytesPerRun = extentsPerRun * extentBytes;
/** Files below half an extent share frames: a frame a file costs time and size (engine.md §H). */
const bundleBelowBytes = extentBytes / 2;
const filesPerBatch = 64;
const spansPerBatch = 512;
const bytesPerBatch = 4 * extentBytes;

/** A file with the number by which threads and main thread speak of it, and what is read of it. */
export interface NumberedFile {
  readonly number: number;
  readonly source: SourceFile;
  readonly reading: Reading;
}

/** What need not be sent: pieces of this set that the pool acknowledged, and the base. */
export interface Held {
  /** Hash of the extent at `from` that an acknowledged piece holds with that length, or ''. */
  readonly known: (path: string, from: number, length: number) => string;
  /** Rising extents of a file that acknowledged pieces hold. */
  readonly knownSpans: (path: string) => readonly KnownSpan[];
  readonly base: BaseFiles | undefined;
}

type FileWithSpans = FileOfUnit & { readonly spans: readonly ReadSpan[] };

const fileOfUnit = ({ number, source }: NumberedFile): FileOfUnit => ({
  file: number,
  absolute: absoluteOf(source),
  firstBlock: source.pages?.firstBlock,
});

/** What is held of one file: of the base only what may be built upon. */
const heldOf = ({ reading }: NumberedFile, held: Held): Held =>
  reading.kind === 'all' && reading.hasBase
    ? held
    : { known: held.known, knownSpans: held.knownSpans, base: undefined };

function* runsOf(file: NumberedFile, held: Held): Generator<Unit> {
  const { path, sizeBytes } = file.source;
  const { known, base } = heldOf(file, held);
  let spans: ReadSpan[] = [];
  for (let from = 0; from < sizeBytes; from += extentBytes) {
    const length = Math.min(extentBytes, sizeBytes - from);
    spans.push({ from, length, known: known(path, from, length), base: base?.hashOf(path, from, length) ?? '' });
    if (spans.length < extentsPerRun && from + length < sizeBytes) continue;
    yield { kind: 'spans', files: [{ ...fileOfUnit(file), spans }] };
    spans = [];
  }
}

function* spansIn(file: NumberedFile, held: Held): Generator<ReadSpan> {
  const { reading, source } = file;
  const { path, sizeBytes } = source;
  if (reading.kind === 'spans') {
    const known = held.knownSpans(path);
    for (const span of reading.spans) for (const part of cutAtKnown(span, known)) yield { ...part, base: '' };
    return;
  }
  const whole = { from: 0, length: sizeBytes };
  const base = heldOf(file, held).base?.hashOf(path, 0, sizeBytes) ?? '';
  yield { ...whole, known: held.known(path, 0, sizeBytes), base };
}

/** A unit of spans that is being filled, of bounded work. */
class SpanBatch {
  #files: FileWithSpans[] = [];
  #spans: ReadSpan[] = [];
  #bytes = 0;
  #count = 0;

  isFullFor({ length }: ReadSpan): boolean {
    if (this.#count === 0) return false;
    const isFull = this.#files.length >= filesPerBatch || this.#count >= spansPerBatch;
    return isFull || this.#bytes + length > bytesPerBatch;
  }

  add(file: NumberedFile, span: ReadSpan): void {
    if (this.#files[this.#files.length - 1]?.file !== file.number) {
      this.#spans = [];
      this.#files.push({ ...fileOfUnit(file), spans: this.#spans });
    }
    this.#spans.push(span);
    this.#bytes += span.length;
    this.#count++;
  }

  get unit(): Unit {
    return { kind: 'spans', files: this.#files };
  }
}

/** Gathers spans of files into units; a file with much to read is spread over several. */
function* spanUnitsOf(files: readonly NumberedFile[], held: Held): Generator<Unit> {
  let batch = new SpanBatch();
  let isEmpty = true;
  for (const file of files) {
    for (const span of spansIn(file, held)) {
      if (batch.isFullFor(span)) {
        yield batch.unit;
        batch = new SpanBatch();
      }
      batch.add(file, span);
      isEmpty = false;
    }
  }
  if (!isEmpty) yield batch.unit;
}

function* stretchesOf(files: readonly NumberedFile[], held: Held): Generator<ScanOfFile & { readonly since: number }> {
  for (const file of files) {
    if (file.reading.kind !== 'scan') continue;
    const { since, baseBytes } = file.reading;
    const { path, sizeBytes } = file.source;
    const known = held.knownSpans(path);
    for (let from = 0; from < sizeBytes; from += bytesPerRun) {
      const to = Math.min(sizeBytes, from + bytesPerRun);
      const within = known.filter((span) => span.from >= from && span.from < to);
      yield { ...fileOfUnit(file), from, to, baseBytes, known: within, since };
    }
  }
}

/** Scans of large files by themselves, of small ones together. All have one base and so one `since`. */
function* scanUnitsOf(files: readonly NumberedFile[], held: Held): Generator<Unit> {
  let batch: ScanOfFile[] = [];
  let [bytes, last] = [0, 0];
  for (const { since, ...stretch } of stretchesOf(files, held)) {
    const length = stretch.to - stretch.from;
    const isFull = batch.length > 0 && (batch.length >= filesPerBatch || bytes + length > bytesPerRun);
    if (isFull) {
      yield { kind: 'scan', since: last, files: batch };
      [batch, bytes] = [[], 0];
    }
    batch.push(stretch);
    bytes += length;
    last = since;
  }
  if (batch.length > 0) yield { kind: 'scan', since: last, files: batch };
}

function largestFirst(files: readonly NumberedFile[]): readonly NumberedFile[] {
  const bytes = Float64Array.from(files, ({ reading, source }) => bytesToRead(reading, source.sizeBytes));
  const order = Uint32Array.from(files.keys()).sort((a, b) => (bytes[b] ?? 0) - (bytes[a] ?? 0));
  return Array.from(order, (i) => files[i]).filter((file) => file !== undefined);
}

/** Work for the threads, largest file first, small files last in batches; made as it is asked for. */
export function* unitsOf(files: readonly NumberedFile[], held: Held): Generator<Unit> {
  const bySize = largestFirst(files);
  const isLarge = ({ reading, source }: NumberedFile): boolean =>
    reading.kind === 'all' && source.sizeBytes >= bundleBelowBytes;
  for (const file of bySize.filter(isLarge)) yield* runsOf(file, held);
  yield* scanUnitsOf(bySize, held);
  yield* spanUnitsOf(
    bySize.filter((file) => file.reading.kind !== 'scan' && !isLarge(file)),
    held,
  );
}
