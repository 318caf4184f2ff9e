import type { Extent } from '#core/format/meta.ts';

/** Where some bytes of a file lie; `piece` counts in the assembly, -1 = in none, as `frame` says. */
export interface Place extends Extent {
  /** Offset in the file. */
  readonly from: number;
  readonly piece: number;
}

/** Doubles while a set grows. */
const firstRoom = 1024;
const bytesPerHash = 16;
const none = -1;

/**
 * Places of extents by file, some 50 bytes each and nothing for the garbage collector to walk: a set of many small files has as
 * many extents as files, and as objects they would cost several times what all threads need together.
 */
export class ExtentTable {
  /** First and last record of a file, and the next record of the same file. */
  #first = new Int32Array(firstRoom).fill(none);
  #last = new Int32Array(firstRoom).fill(none);
  #next = new Int32Array(firstRoom);
  #from = new Float64Array(firstRoom);
  #length = new Float64Array(firstRoom);
  #piece = new Int32Array(firstRoom);
  #frame = new Int32Array(firstRoom);
  #offset = new Uint32Array(firstRoom);
  #hash = Buffer.alloc(firstRoom * bytesPerHash);
  #count = 0;

  /** Adds a place of a file, which is named by a number from 0. */
  add(file: number, { from, length, piece, frame, offset, hash }: Place): void {
    const at = this.#count++;
    this.#makeRoom(at, file);
    this.#from[at] = from;
    this.#length[at] = length;
    this.#piece[at] = piece;
    this.#frame[at] = frame;
    this.#offset[at] = offset;
    if (hash !== '') this.#hash.write(hash, at * bytesPerHash, 'hex');
    this.#next[at] = none;
    const last = this.#last[file] ?? none;
    if (last === none) this.#first[file] = at;
    else this.#next[last] = at;
    this.#last[file] = at;
  }

  /** Places of a file by their offset. */
  placesOf(file: number): readonly Place[] {
    const places: Place[] = [];
    let isRising = true;
    for (let at = this.#first[file] ?? none, last = -1; at !== none; at = this.#next[at] ?? none) {
      const place = this.#placeAt(at);
      if (place.from < last) isRising = false;
      last = place.from;
      places.push(place);
    }
    return isRising ? places : places.sort((a, b) => a.from - b.from);
  }

  #placeAt(at: number): Place {
    const piece = this.#piece[at] ?? none;
    // Not spread: this runs for every extent of the set.
    return {
      piece,
      from: this.#from[at] ?? 0,
      length: this.#length[at] ?? 0,
      frame: this.#frame[at] ?? 0,
      offset: this.#offset[at] ?? 0,
      hash: piece === none ? '' : this.#hash.toString('hex', at * bytesPerHash, (at + 1) * bytesPerHash),
    };
  }

  #makeRoom(at: number, file: number): void {
    while (file >= this.#first.length) {
      this.#first = grown(this.#first, new Int32Array(this.#first.length * 2).fill(none));
      this.#last = grown(this.#last, new Int32Array(this.#last.length * 2).fill(none));
    }
    const room = this.#next.length;
    if (at < room) return;
    this.#next = grown(this.#next, new Int32Array(room * 2));
    this.#from = grown(this.#from, new Float64Array(room * 2));
    this.#length = grown(this.#length, new Float64Array(room * 2));
    this.#piece = grown(this.#piece, new Int32Array(room * 2));
    this.#frame = grown(this.#frame, new Int32Array(room * 2));
    this.#offset = grown(this.#offset, new Uint32Array(room * 2));
    this.#hash = grown(this.#hash, Buffer.alloc(room * 2 * bytesPerHash));
  }
}

function grown<T extends Int32Array | Uint32Array | Float64Array | Buffer>(from: T, to: T): T {
  to.set(from);
  return to;
}
