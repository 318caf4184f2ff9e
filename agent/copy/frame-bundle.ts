import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { extentBytes, openPageMemory } from '#agent/wasm/page-memory.ts';
import type { PieceWriter, SealedExtent } from './piece-writer.ts';

/** Extents begin at multiples of this in a frame: reads into unaligned memory are several times slower (engine.md §C). */
const alignment = 64;

/** The frame that is being filled, in page memory: one large extent, or many small ones of several files. */
export class FrameBundle {
  readonly memory: PageMemory;
  readonly #writer: PieceWriter;
  #extents: SealedExtent[] = [];
  /** Where the last extent ends, and where the next one may begin. */
  #end = 0;
  #filled = 0;

  constructor(writer: PieceWriter, pageBytes: number) {
    this.#writer = writer;
    this.memory = openPageMemory(pageBytes);
  }

  /** Offset in page memory at which at most `length` bytes may be put; what waits is sealed when they would not fit. */
  async room(length: number): Promise<number> {
    if (this.#filled + length > extentBytes) await this.seal();
    return this.#filled;
  }

  /** Keeps the extent that was put at `room`. */
  keep(extent: SealedExtent): void {
    this.#extents.push(extent);
    this.#end = extent.offset + extent.length;
    this.#filled = Math.min(extentBytes, Math.ceil(this.#end / alignment) * alignment);
    this.memory.bytes.fill(0, this.#end, this.#filled);
  }

  /** Seals what waits for company. */
  async seal(): Promise<void> {
    if (this.#extents.length > 0) await this.#writer.append(this.memory.bytes.subarray(0, this.#end), this.#extents);
    this.#extents = [];
    this.#end = 0;
    this.#filled = 0;
  }
}
