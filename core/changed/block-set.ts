import type { BlockRange } from './changed-pages.ts';

const chunkBlocks = 2048;
const chunkWords = chunkBlocks / 32;

/** A set of block numbers (32 bits, unsigned) of one fork: bitmaps of 2048 blocks where there are any. */
export class BlockSet {
  readonly #chunks = new Map<number, Int32Array>();
  #lastNumber = -1;
  #last: Int32Array = noBlocks;

  add(block: number): void {
    const number = block >>> 11;
    if (number !== this.#lastNumber) this.#enter(number);
    const word = (block >>> 5) & (chunkWords - 1);
    this.#last[word] = (this.#last[word] ?? 0) | (1 << (block & 31));
  }

  addRange({ from, to }: BlockRange): void {
    for (let block = from; block < to; block++) this.add(block);
  }

  merge(other: BlockSet): void {
    for (const [number, words] of other.#chunks) {
      this.#enter(number);
      for (let i = 0; i < chunkWords; i++) this.#last[i] = (this.#last[i] ?? 0) | (words[i] ?? 0);
    }
  }

  /** Ranges of the set within `[from, to)`, in order, neighbours joined. */
  ranges(from = 0, to = Infinity): BlockRange[] {
    const found: Growing[] = [];
    for (const number of this.#chunksWithin(from, to)) {
      const words = this.#chunks.get(number) ?? noBlocks;
      for (let i = 0; i < chunkWords; i++) appendWord(found, number * chunkBlocks + i * 32, words[i] ?? 0);
    }
    return found
      .map((range) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
      .filter((range) => range.from < range.to);
  }

  /** Chunks that may have blocks of `[from, to)`, in order: looked up one by one, or picked, whichever is less. */
  #chunksWithin(from: number, to: number): readonly number[] {
    const first = Math.floor(from / chunkBlocks);
    const count = Math.max(0, Math.ceil(to / chunkBlocks) - first);
    if (count <= this.#chunks.size) return Array.from({ length: count }, (_, i) => first + i);
    const isWithin = (number: number): boolean => number >= first && number < first + count;
    return [...this.#chunks.keys()].filter(isWithin).sort((a, b) => a - b);
  }

  #enter(number: number): void {
    let words = this.#chunks.get(number);
    if (words === undefined) {
      words = new Int32Array(chunkWords);
      this.#chunks.set(number, words);
    }
    this.#lastNumber = number;
    this.#last = words;
  }
}

type Growing = { -readonly [K in keyof BlockRange]: BlockRange[K] };

function append(found: Growing[], from: number, to: number): void {
  const last = found[found.length - 1];
  if (last?.to === from) last.to = to;
  else found.push({ from, to });
}

/** Appends what 32 bits say about the blocks from `first` on. */
function appendWord(found: Growing[], first: number, bits: number): void {
  if (bits === -1) append(found, first, first + 32);
  for (let rest = bits === -1 ? 0 : bits; rest !== 0; rest &= rest - 1) {
    const block = first + 31 - Math.clz32(rest & -rest);
    append(found, block, block + 1);
  }
}

const noBlocks = new Int32Array(chunkWords);
