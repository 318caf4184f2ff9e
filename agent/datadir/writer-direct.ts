import { closeSync, constants, openSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { codeOf } from './writer-errors.ts';

const writeAt = promisify(write);

/** Memory, offset and length of a direct write are multiples of this: enough for every common logical block size. */
const alignment = 4096;
/** Shorter writes go through the page cache: one request to the disk for each would cost more than the copy. */
const leastBytes = 256 * 1024;
/** Files a thread keeps open. */
const openAtOnce = 24;
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_DIRECT;
/** What file systems without direct access answer, to the open or to the first write. */
const isRefusal = (error: unknown): boolean => ['EINVAL', 'EOPNOTSUPP', 'ENOTSUP'].includes(codeOf(error));

interface DirectFile {
  readonly fd: number;
  writes: number;
}

/**
 * Writes large aligned blocks past the page cache. A restore fills it with bytes that nobody reads again, which costs the
 * system more time than decompressing them, and pushes out what the host's other databases need. Where the file system has no direct access
 * every write is refused.
 */
export class DirectWriter {
  readonly #open = new Map<string, DirectFile>();
  #isRefused = false;

  /**
   * Bytes of `view` that were written, while the caller goes on: it MUST leave the memory alone until then. `view` begins at a
   * multiple of 4096 in memory. 0 when this write must go another way; fewer than all when the rest must. Throws what
   * the system throws.
   */
  async write(path: string, at: number, view: Uint8Array): Promise<number> {
    const isFit = at % alignment === 0 && view.length % alignment === 0 && view.length >= leastBytes;
    if (this.#isRefused || !isFit) return 0;
    try {
      return await this.#write(path, at, view);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#isRefused = true;
      return 0;
    }
  }

  /** Closes a file that gets no more bytes. */
  close(path: string): void {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file !== undefined) closeSync(file.fd);
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.close(path);
  }

  async #write(path: string, at: number, view: Uint8Array): Promise<number> {
    const file = this.#fileOf(path);
    file.writes++;
    try {
      let done = 0;
      while (done < view.length) {
        const { bytesWritten } = await writeAt(file.fd, view, done, view.length - done, at + done);
        done += bytesWritten;
        // A full disk shows as a short write first; what is left is not aligned any more.
        if (bytesWritten === 0 || done % alignment !== 0) break;
      }
      return done;
    } finally {
      file.writes--;
    }
  }

  #fileOf(path: string): DirectFile {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    if (this.#open.size >= openAtOnce) {
      const idle = [...this.#open].find(([, { writes }]) => writes === 0);
      if (idle !== undefined) this.close(idle[0]);
    }
    const file = { fd: openSync(path, flags, 0o600), writes: 0 };
    this.#open.set(path, file);
    return file;
  }
}
