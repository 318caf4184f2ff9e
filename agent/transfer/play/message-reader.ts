/** Bytes of a message that are handed on; more of a statement or of an error nobody reads. */
const mostKept = 64 * 1024;
const headBytes = 5;
const lengthBytes = 4;

/**
 * Cuts what one side of a connection sends into messages (PostgreSQL manual "Message Formats": a letter, a length that counts itself, a
 * body). Only messages of the wanted letters are handed on, with the first 64 KiB of their bodies; rows are passed over unread.
 */
export class MessageReader {
  readonly #wanted: string;
  readonly #onMessage: (letter: string, body: Buffer) => void;
  /** The first message of a client has no letter. */
  #isBeforeStart: boolean;
  #skip = 0;
  #kept: Buffer = Buffer.alloc(0);

  constructor(side: 'client' | 'server', wanted: string, onMessage: (letter: string, body: Buffer) => void) {
    this.#isBeforeStart = side === 'client';
    this.#wanted = wanted;
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    let at = 0;
    for (let step = this.#step(bytes, at); step > 0; step = this.#step(bytes, at)) at += step;
    this.#kept = Buffer.from(bytes.subarray(at));
  }

  /** Bytes that were dealt with; 0 when more must come first. */
  #step(bytes: Buffer, at: number): number {
    const there = bytes.length - at;
    if (this.#skip > 0) {
      const passed = Math.min(this.#skip, there);
      this.#skip -= passed;
      return passed;
    }
    const head = this.#isBeforeStart ? lengthBytes : headBytes;
    if (there < head) return 0;
    const length = Math.max(0, bytes.readUInt32BE(at + head - lengthBytes) - lengthBytes);
    const letter = this.#isBeforeStart ? '' : String.fromCharCode(bytes[at] ?? 0);
    const kept = letter !== '' && this.#wanted.includes(letter) ? Math.min(length, mostKept) : 0;
    if (there < head + kept) return 0;
    this.#isBeforeStart = false;
    this.#skip = length - kept;
    if (letter !== '' && this.#wanted.includes(letter))
      this.#onMessage(letter, Buffer.from(bytes.subarray(at + head, at + head + kept)));
    return head + kept;
  }
}

/** The text of a message that is one. */
export const textOfMessage = (body: Buffer): string => {
  const end = body.indexOf(0);
  return body.toString('utf8', 0, end === -1 ? body.length : end);
};

/** Fields of an error by their letters: `C` SQLSTATE, `M` message, `D` detail (PostgreSQL manual "Error and Notice Message Fields"). */
export function errorFields(body: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    const until = end === -1 ? body.length : end;
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, until));
    at = until + 1;
  }
  return fields;
}
