import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  futimesSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { DirectWriter } from './writer-direct.ts';
import { codeOf, unwritable } from './writer-errors.ts';
import type { FileOwner } from './writer-paths.ts';

const syncFile = promisify(fsync);
const syncData = promisify(fdatasync);

/** Files a thread keeps open: large ones come in many pieces. */
const openAtOnce = 48;
const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Less than this waits for the end of its file: the disk is not idle for want of it. */
const leastFlush = 4 * 1_048_576;

interface OpenFile {
  readonly fd: number;
  /** Bytes written since the last flush began. */
  unsynced: number;
  /** A flush is under way: closing the handle now would hide its outcome. */
  flush: Promise<void> | undefined;
}

/** What a file must be in the end. */
export interface FileShape {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeMs: number;
}

/**
 * Writes contents of files of an `EmptyTarget` at offsets, in a worker thread, synchronously. Paths come from
 * `EmptyTarget.pathOf`; a link in their place is refused by the system (O_NOFOLLOW). Nothing is durable before `end`.
 */
export class FileWriter {
  readonly #open = new Map<string, OpenFile>();
  readonly #owner: FileOwner;
  readonly #direct = new DirectWriter();

  constructor(owner: FileOwner) {
    this.#owner = owner;
  }

  /** Throws `target_unwritable`. */
  write(path: string, at: number, bytes: Uint8Array): void {
    try {
      const file = this.#fileOf(path);
      for (let done = 0; done < bytes.length;) done += writeSync(file.fd, bytes, done, bytes.length - done, at + done);
      file.unsynced += bytes.length;
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /**
   * Writes bytes that begin at a multiple of 4096 in memory, past the page cache where the file system can. Resolves when they are
   * written: until then the caller leaves the memory alone and may do other work. Throws `target_unwritable`.
   */
  async writeAligned(path: string, at: number, bytes: Uint8Array): Promise<void> {
    try {
      const done = await this.#direct.write(path, at, bytes);
      if (done < bytes.length) this.write(path, at + done, bytes.subarray(done));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /**
   * Sends the bytes of large files to the disk while the caller goes on, so that the disk is busy from the begin. Durable
   * is a file only after `end`. The caller MUST hear the outcome: the system tells of a failed write only once.
   */
  async flush(): Promise<void> {
    const due = [...this.#open].filter(([, file]) => file.unsynced >= leastFlush && file.flush === undefined);
    await Promise.all(due.map(([path, file]) => this.#flush(path, file)));
  }

  /** Length of a file; 0 when there is none. */
  sizeOf(path: string): number {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The bytes that a file holds there; undefined when it ends before. `memory` is overwritten and may hold them. */
  read(
    path: string,
    span: { readonly at: number; readonly length: number },
    memory: PageMemory,
  ): Uint8Array | undefined {
    const { bytes } = memory;
    const found = span.length <= bytes.length ? bytes.subarray(0, span.length) : Buffer.allocUnsafe(span.length);
    try {
      return readWhole(path, span.at, found) ? found : undefined;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw unwritable(path, error);
    }
  }

  /**
   * Gives files their length, owner, mode and time, and makes them durable. The fsyncs run side by side: the file system
   * commits many at once, which is ten times faster than one after the other.
   */
  async end(shapes: readonly FileShape[]): Promise<void> {
    await Promise.all(shapes.map((shape) => this.#end(shape)));
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.#close(path);
    this.#direct.closeAll();
  }

  async #flush(path: string, file: OpenFile): Promise<void> {
    file.unsynced = 0;
    file.flush = syncData(file.fd);
    try {
      await file.flush;
    } catch (error) {
      throw unwritable(path, error);
    } finally {
      file.flush = undefined;
    }
  }

  async #end(shape: FileShape): Promise<void> {
    try {
      await this.#open.get(shape.path)?.flush;
      this.#direct.close(shape.path);
      const file = this.#take(shape.path);
      try {
        if (fstatSync(file).size !== shape.sizeBytes) ftruncateSync(file, shape.sizeBytes);
        fchownSync(file, this.#owner.uid, this.#owner.gid);
        fchmodSync(file, shape.mode & 0o7777);
        futimesSync(file, shape.mtimeMs / 1000, shape.mtimeMs / 1000);
        await syncFile(file);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw unwritable(shape.path, error);
    }
  }

  /** The open file, or a new handle; the caller closes it. */
  #take(path: string): number {
    const known = this.#open.get(path);
    this.#open.delete(path);
    return known?.fd ?? openSync(path, flags, 0o600);
  }

  #fileOf(path: string): OpenFile {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    if (this.#open.size >= openAtOnce) {
      const oldest = [...this.#open].find(([, { flush }]) => flush === undefined);
      if (oldest !== undefined) this.#close(oldest[0]);
    }
    const file = { fd: openSync(path, flags, 0o600), unsynced: 0, flush: undefined };
    this.#open.set(path, file);
    return file;
  }

  #close(path: string): void {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file !== undefined) closeSync(file.fd);
  }
}

/** Fills `target` from an offset of a file; false when the file ends before. */
function readWhole(path: string, at: number, target: Uint8Array): boolean {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let done = 0; done < target.length;) {
      const got = readSync(file, target, done, target.length - done, at + done);
      if (got === 0) return false;
      done += got;
    }
    return true;
  } finally {
    closeSync(file);
  }
}
