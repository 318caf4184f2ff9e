import { setImmediate as turn } from 'node:timers/promises';
import { hash128 } from '#agent/codec/frame.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { extentBytes, openPageMemory } from '#agent/wasm/page-memory.ts';
import { fail } from '#core/errors/fail.ts';
import type { Pace } from './pace.ts';
import { diskPace } from './pace.ts';
import type { PieceWriter, SealedExtent } from './piece-writer.ts';
import { cell, shouldStop } from './shared-control.ts';
import { closeSource, openSource, readFully } from './source-reader.ts';
import type { FileFact, FileOfUnit, ThreadSettings, Unit } from './thread-message.ts';
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
  damagedBlocks: [],
  torn: [],
});

/** Files begin at multiples of this in a bundle: reads into unaligned memory are several times slower (engine.md §C). */
const bundleAlignment = 64;

/** Reads, verifies and hashes the extents of units and gives the writer what no earlier piece holds. One per thread. */
export class UnitRunner {
  readonly #settings: ThreadSettings;
  readonly #writer: PieceWriter;
  readonly #memory: PageMemory;
  readonly #pace: Pace;
  /** Small files that share the frame being filled: they lie in page memory up to `#filled`. */
  #bundle: SealedExtent[] = [];
  #filled = 0;

  constructor(settings: ThreadSettings, writer: PieceWriter) {
    this.#settings = settings;
    this.#writer = writer;
    this.#memory = openPageMemory(settings.pageBytes);
    this.#pace = diskPace(settings.cells);
  }

  /** Does one unit and tells what became of its files. Throws `source_unreadable`, `cancelled` and what a pool throws. */
  async run(unit: Unit): Promise<readonly FileFact[]> {
    switch (unit.kind) {
      case 'run':
        await this.sealBundle();
        return [await this.#runExtents(unit)];
      case 'batch':
        return this.#runBatch(unit);
      case 'bytes':
        return [await this.#runBytes(unit)];
    }
  }

  /** Seals the small files that wait for company. */
  async sealBundle(): Promise<void> {
    if (this.#bundle.length > 0) await this.#writer.append(this.#memory.bytes.subarray(0, this.#filled), this.#bundle);
    this.#bundle = [];
    this.#filled = 0;
  }

  async #beforeRead(bytes: number): Promise<void> {
    if (shouldStop(this.#settings.cells)) throw fail('cancelled', { what: 'the copy' });
    const wait = this.#pace.take(bytes);
    if (wait !== undefined) await wait;
    else if (this.#writer.isPending) await turn();
  }

  #countRead(bytes: number): void {
    Atomics.add(this.#settings.cells, cell.bytesRead, BigInt(bytes));
  }

  async #runExtents(unit: UnitOf<'run'>): Promise<FileFact> {
    const fact = newFact(unit.of.file);
    const fd = openSource(unit.of.absolute);
    if (fd === undefined) return { ...fact, isMissing: true };
    try {
      for (let from = unit.from, i = 0; from < unit.to && fact.endsAt === undefined; from += extentBytes, i++) {
        const wanted = Math.min(extentBytes, unit.to - from);
        await this.#beforeRead(wanted);
        const source = { of: unit.of, fd, from, at: 0 };
        const kept = await this.#read(source, wanted, unit.known[i] ?? '', fact);
        if (kept !== undefined) await this.#writer.append(this.#memory.bytes.subarray(0, kept.length), [kept]);
      }
    } finally {
      closeSource(fd);
    }
    return fact;
  }

  async #runBatch(unit: UnitOf<'batch'>): Promise<readonly FileFact[]> {
    const facts: FileFact[] = [];
    for (const file of unit.files) {
      if (this.#filled + file.sizeBytes > extentBytes) await this.sealBundle();
      await this.#beforeRead(file.sizeBytes);
      const fact = newFact(file.file);
      const fd = openSource(file.absolute);
      facts.push(fact);
      if (fd === undefined) fact.isMissing = true;
      else await this.#bundleFile({ of: file, fd, from: 0, at: this.#filled }, file, fact);
    }
    return facts;
  }

  async #bundleFile(source: Source, file: { sizeBytes: number; known: string }, fact: OpenFact): Promise<void> {
    try {
      const kept = await this.#read(source, file.sizeBytes, file.known, fact);
      if (kept === undefined) return;
      this.#bundle.push(kept);
      const end = source.at + kept.length;
      this.#filled = Math.min(extentBytes, Math.ceil(end / bundleAlignment) * bundleAlignment);
      this.#memory.bytes.fill(0, end, this.#filled);
    } finally {
      closeSource(source.fd);
    }
  }

  /** Reads one extent into page memory; the extent to seal, or undefined when nothing of it needs to be stored. */
  async #read(source: Source, wanted: number, known: string, fact: OpenFact): Promise<SealedExtent | undefined> {
    const { of, fd, from, at } = source;
    const target = this.#memory.bytes.subarray(at, at + wanted);
    const length = readFully({ fd, path: of.absolute }, target, from);
    this.#countRead(length);
    if (length < wanted) fact.endsAt = from + length;
    if (length === 0) return undefined;
    if (this.#memory.isZero(at, length)) {
      fact.zeros.push({ from, length });
      return undefined;
    }
    if (of.firstBlock !== undefined) await this.#verify({ ...source, length, firstBlock: of.firstBlock }, fact);
    const hash = this.#memory.hash(at, length);
    return this.#unlessKnown({ from, length, hash, offset: at }, of, known, fact);
  }

  async #verify(stretch: Source & { length: number; firstBlock: number }, fact: OpenFact): Promise<void> {
    const findings = await verifyPages(this.#memory, { ...stretch, path: stretch.of.absolute }, this.#settings);
    fact.damagedBlocks.push(...findings.damagedBlocks);
    fact.torn.push(...findings.torn);
  }

  /** The extent to seal, or undefined when an earlier piece holds it. */
  #unlessKnown(
    extent: Omit<SealedExtent, 'file' | 'path'>,
    of: FileOfUnit,
    known: string,
    fact: OpenFact,
  ): SealedExtent | undefined {
    if (extent.hash !== known) return { file: of.file, path: of.path, ...extent };
    fact.reused.push({ from: extent.from, length: extent.length });
    return undefined;
  }

  async #runBytes(unit: UnitOf<'bytes'>): Promise<FileFact> {
    const fact = newFact(unit.of.file);
    for (let from = 0, i = 0; from < unit.bytes.length; from += extentBytes, i++) {
      const raw = unit.bytes.subarray(from, from + extentBytes);
      await this.#beforeRead(0);
      const extent = { from, length: raw.length, hash: hash128(raw), offset: 0 };
      const kept = this.#unlessKnown(extent, unit.of, unit.known[i] ?? '', fact);
      if (kept !== undefined) await this.#writer.append(raw, [kept]);
    }
    return fact;
  }
}

interface Source {
  readonly of: FileOfUnit;
  readonly fd: number;
  /** Offset in the file. */
  readonly from: number;
  /** Offset in page memory, and so in the frame. */
  readonly at: number;
}
