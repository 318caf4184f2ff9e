/** A record that goes on on the next page or in the next segment. Grows with what is there, not with what its length claims. */
export class UnfinishedRecord {
  /** Where it begins in the log. */
  readonly position: number;
  readonly #length: number;
  #buffer: Uint8Array;
  #filled = 0;

  /** `room` is the reader's, used again for the next such record: there is one a page. */
  constructor(position: number, length: number, room: Uint8Array) {
    this.position = position;
    this.#length = length;
    this.#buffer = room;
  }

  get missingBytes(): number {
    return this.#length - this.#filled;
  }

  /** Appends a copy. No part is longer than what is missing. */
  take(part: Uint8Array): void {
    const needed = this.#filled + part.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(needed, this.#buffer.length * 2)));
      grown.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#filled);
    this.#filled = needed;
  }

  /** Valid until the next record uses the room. */
  whole(): Uint8Array {
    return this.#buffer.subarray(0, this.#filled);
  }
}
