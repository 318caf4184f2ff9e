import { setImmediate as turn } from 'node:timers/promises';
import { hash128 } from '#agent/codec/frame.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { extentBytes, openPageMemory } from '#agent/wasm/page-memory.ts';
import type { Span } from '#core/format/chain.ts';
import { fail } from '#core/errors/fail.ts';
import { changedRuns } from './changed-runs.ts';
import { FrameBundle } from './frame-bundle.ts';
import type { Pace } from './pace.ts';
import { diskPace } from './pace.ts';
import type { PieceWriter, SealedExtent } from './piece-writer.ts';
import { cutAtKnown } from './reading.ts';
import { cell, shouldStop } from './threads/shared-control.ts';
import { closeSource, openSource, readFully } from './source-reader.ts';
import type { FileFact, FileOfUnit, ReadSpan, ScanOfFile, ThreadSettings, Unit } from './threads/thread-message.ts';
import { verifyPages } from './verify-pages.ts';

type Changing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type OpenFact = Changing<FileFact>;
type UnitOf<K extends Unit['kind']> = Extract<Unit, { kind: K }>;

const newFact = (file: number): OpenFact => ({
  file,
  isMissing: false,
  endsAt: undefined,
  zeros: [],
  reused: [],
  based: [],
  damagedBlocks: [],
  torn: [],
});

/** False of a file of which everything went into pieces as it was scanned: nearly all of a full. */
const isTelling = ({ endsAt, zeros, reused, based, damagedBlocks, torn }: FileFact): boolean =>
  endsAt !== undefined || [zeros, reused, based, damagedBlocks, torn].some((list) => list.length > 0);

/** A file that is open, and what is found out about it. */
interface OpenFile<F extends FileOfUnit = FileOfUnit> {
  readonly of: F;
  readonly fd: number;
  readonly fact: OpenFact;
}

/** Bytes of an open file that lie in page memory. */
interface Reading {
  readonly memory: PageMemory;
  /** Offset in page memory. */
  readonly at: number;
  /** Offset in the file. */
  readonly from: number;
  readonly length: number;
}

/** Reads, verifies and hashes units and gives the writer what neither an earlier piece nor the base holds. One per thread. */
export class UnitRunner {
  readonly #settings: ThreadSettings;
  readonly #writer: PieceWriter;
  readonly #bundle: FrameBundle;
  readonly #pace: Pace;
  /** Stretches that are scanned lie here; their changed pages are put into the bundle. */
  #scanned: PageMemory | undefined;

  constructor(settings: ThreadSettings, writer: PieceWriter) {
    this.#settings = settings;
    this.#writer = writer;
    this.#bundle = new FrameBundle(writer, settings.pageBytes);
    this.#pace = diskPace(settings.cells);
  }

  /** Does one unit and tells what became of its files. Throws `source_unreadable`, `cancelled` and what a pool throws. */
  async run(unit: Exclude<Unit, { kind: 'frames' }>): Promise<readonly FileFact[]> {
    switch (unit.kind) {
      case 'spans':
        return this.#eachFile(unit.files, (file) => this.#readSpans(file));
      case 'scan':
        return this.#eachFile(unit.files, (file) => this.#scan(file, unit.since));
      case 'bytes':
        return [await this.#runBytes(unit)];
    }
  }

  /** Seals what waits for company. */
  sealBundle(): Promise<void> {
    return this.#bundle.seal();
  }

  async #eachFile<F extends FileOfUnit>(
    files: readonly F[],
    work: (file: OpenFile<F>) => Promise<void>,
  ): Promise<readonly FileFact[]> {
    const facts: FileFact[] = [];
    for (const of of files) {
      const fact = newFact(of.file);
      const fd = openSource(of.absolute);
      if (fd === undefined) {
        facts.push({ ...fact, isMissing: true });
        continue;
      }
      try {
        await work({ of, fd, fact });
      } finally {
        closeSource(fd);
      }
      if (isTelling(fact)) facts.push(fact);
    }
    return facts;
  }

  async #readSpans(file: OpenFile<FileOfUnit & { readonly spans: readonly ReadSpan[] }>): Promise<void> {
    const { memory } = this.#bundle;
    for (const span of file.of.spans) {
      const at = await this.#bundle.room(span.length);
      const length = await this.#read(file, { memory, at, ...span });
      if (length > 0) await this.#take(file, { memory, at, from: span.from, length }, span);
      if (file.fact.endsAt !== undefined) return;
    }
  }

  /** Verifies a span that was read in place and keeps it where it must be stored. */
  async #take(file: OpenFile, reading: Reading, held: Pick<ReadSpan, 'known' | 'base'>): Promise<void> {
    const { memory, at, length } = reading;
    if (!memory.isZero(at, length)) await this.#verify(file, reading);
    const extent = this.#toStore(file, reading, held);
    if (extent !== undefined) this.#bundle.keep(extent);
  }

  /** Reads every page of a stretch and keeps the changed ones. */
  async #scan(file: OpenFile<ScanOfFile>, since: number): Promise<void> {
    const { of, fact } = file;
    this.#scanned ??= openPageMemory(this.#settings.pageBytes);
    const memory = this.#scanned;
    for (let { from } = of; from < of.to && fact.endsAt === undefined; from += extentBytes) {
      const wanted = Math.min(extentBytes, of.to - from);
      const reading = { memory, at: 0, from, length: await this.#read(file, { memory, at: 0, from, length: wanted }) };
      if (reading.length === 0) return;
      const damaged = await this.#verify(file, reading);
      const { changed, same } = this.#compare(reading, { since, baseBytes: of.baseBytes, damaged });
      fact.based.push(...same);
      for (const span of changed) await this.#keepPages(file, reading, cutAtKnown(span, of.known));
    }
  }

  #compare(
    { memory, from, length }: Reading,
    than: { readonly since: number; readonly baseBytes: number; readonly damaged: readonly number[] },
  ): ReturnType<typeof changedRuns> {
    const { pageBytes } = this.#settings;
    const flags = memory.newerPages(0, Math.floor(length / pageBytes), than.since);
    const firstPage = from / pageBytes;
    for (const block of than.damaged) flags[block - firstPage] = 1;
    flags.fill(1, Math.max(0, Math.floor(than.baseBytes / pageBytes) - firstPage));
    return changedRuns({ from, length, pageBytes, flags });
  }

  async #keepPages(file: OpenFile, scanned: Reading, parts: readonly (Span & { known: string })[]): Promise<void> {
    const { memory } = this.#bundle;
    for (const { from, length, known } of parts) {
      const at = await this.#bundle.room(length);
      const source = scanned.at + from - scanned.from;
      memory.bytes.set(scanned.memory.bytes.subarray(source, source + length), at);
      const extent = this.#toStore(file, { memory, at, from, length }, { known, base: '' });
      if (extent !== undefined) this.#bundle.keep(extent);
    }
  }

  async #beforeRead(bytes: number): Promise<void> {
    if (shouldStop(this.#settings.cells)) throw fail('cancelled', { what: 'the copy' });
    const wait = this.#pace.take(bytes);
    if (wait !== undefined) await wait;
    else if (this.#writer.isPending) await turn();
  }

  /** Reads into page memory; how many bytes there were. */
  async #read({ of, fd, fact }: OpenFile, { memory, at, from, length: wanted }: Reading): Promise<number> {
    await this.#beforeRead(wanted);
    const length = readFully({ fd, path: of.absolute }, memory.bytes.subarray(at, at + wanted), from);
    Atomics.add(this.#settings.cells, cell.bytesRead, BigInt(length));
    if (length < wanted) fact.endsAt = from + length;
    return length;
  }

  /** Blocks, counted within the file, whose checksum stays wrong. */
  async #verify({ of, fd, fact }: OpenFile, { memory, at, from, length }: Reading): Promise<readonly number[]> {
    if (of.firstBlock === undefined) return [];
    const stretch = { fd, path: of.absolute, at, from, length, firstBlock: of.firstBlock };
    const findings = await verifyPages(memory, stretch, this.#settings);
    fact.damagedBlocks.push(...findings.damagedBlocks);
    fact.torn.push(...findings.torn);
    return findings.damagedBlocks;
  }

  /** The extent to store, or undefined when it is all zero, or an earlier piece or the base holds it. */
  #toStore(
    { of, fact }: OpenFile,
    { memory, at, from, length }: Reading,
    { known, base }: Pick<ReadSpan, 'known' | 'base'>,
  ): SealedExtent | undefined {
    if (memory.isZero(at, length)) {
      fact.zeros.push({ from, length });
      return undefined;
    }
    const hash = memory.hash(at, length);
    if (hash !== base && hash !== known) return { file: of.file, from, length, hash, offset: at };
    (hash === base ? fact.based : fact.reused).push({ from, length });
    return undefined;
  }

  async #runBytes({ of, bytes, known }: UnitOf<'bytes'>): Promise<FileFact> {
    const fact = newFact(of.file);
    for (let from = 0, i = 0; from < bytes.length; from += extentBytes, i++) {
      const raw = bytes.subarray(from, from + extentBytes);
      await this.#beforeRead(0);
      const hash = hash128(raw);
      if (hash === known[i]) fact.reused.push({ from, length: raw.length });
      else await this.#writer.append(raw, [{ file: of.file, from, length: raw.length, hash, offset: 0 }]);
    }
    return fact;
  }
}
