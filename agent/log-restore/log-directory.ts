import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256Hex } from '#agent/codec/hash.ts';
import { FileWriter } from '#agent/datadir/writer-files.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import { syncDirectory } from '#agent/file-system.ts';

const fileMode = 0o600;

/** A directory of its own that log is fetched into; its files belong to the account of a server that shall read them. */
export class LogDirectory {
  readonly path: string;
  readonly #owner: FileOwner;
  readonly #writer: FileWriter;

  constructor(path: string, owner: FileOwner) {
    this.path = path;
    this.#owner = owner;
    this.#writer = new FileWriter(owner);
  }

  /** Makes the directory, empty and closed to others. Throws `target_unwritable`. */
  make(): void {
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      chownSync(this.path, this.#owner.uid, this.#owner.gid);
      chmodSync(this.path, 0o700);
      syncDirectory(dirname(this.path));
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  /** Writes a file and makes its bytes durable; its name is with `finish`. Throws `target_unwritable`. */
  async write(name: string, bytes: Uint8Array, nowMs: number): Promise<void> {
    const path = join(this.path, name);
    this.#writer.write(path, 0, bytes);
    await this.#writer.end([{ path, sizeBytes: bytes.length, mode: fileMode, mtimeMs: nowMs }]);
  }

  /** True when an earlier attempt left these very bytes, which are then made durable. Never makes a file. */
  has(name: string, rawSha256: string): boolean {
    const path = join(this.path, name);
    if (isAbsent(path)) return false;
    const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      if (sha256Hex(readFileSync(file)) !== rawSha256) return false;
      fchownSync(file, this.#owner.uid, this.#owner.gid);
      fchmodSync(file, fileMode);
      fsyncSync(file);
      return true;
    } catch (error) {
      throw unwritable(path, error);
    } finally {
      closeSync(file);
    }
  }

  finish(): void {
    syncDirectory(this.path);
  }

  close(): void {
    this.#writer.closeAll();
  }
}
