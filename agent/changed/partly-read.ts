import type { Stats } from 'node:fs';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RecordSums } from '#core/wal/record-sum.ts';
import { plainSums } from '#core/wal/record-sum.ts';
import { codeOf } from '#agent/file-system.ts';
import { archiveUnreadable } from '#agent/wal/archive/archive-folder.ts';
import { openLogMemory, slotOf, sumsIn } from '#agent/wasm/log-memory.ts';

/** A segment of log as a reader wants it: `bytes` are valid where `need` was asked for them. */
export interface OpenLog {
  readonly bytes: Uint8Array;
  /** Throws `archive_directory_unreadable`. */
  readonly need: (from: number, to: number) => void;
  /** So far, from disk or pool. */
  readonly bytesRead: number;
  close(): void;
}

/** So much of a file is read at once. */
const chunkBytes = 256 * 1024;

/** Larger segments are summed up without WebAssembly: its memory would be theirs. */
const largestFast = 64 * 1024 * 1024;

/**
 * Segments for one reader, whose records are summed up by `sums` where they lie. Of files only what is looked at is read: a switch
 * may have ended a segment of 16 MiB after its first page, and of the first one of a way the begin is known. One room serves all.
 */
export class PartlyRead {
  readonly sums: RecordSums;
  readonly #room: Uint8Array;

  constructor(segmentBytes: number) {
    const memory = segmentBytes <= largestFast ? openLogMemory(1, segmentBytes) : undefined;
    this.sums = memory === undefined ? plainSums() : sumsIn(memory);
    this.#room = memory === undefined ? new Uint8Array(segmentBytes) : slotOf(memory, 0);
  }

  /** What was read elsewhere; longer than a segment it is none, and stays as it is. */
  hold(log: Uint8Array): OpenLog {
    const bytes = log.length <= this.#room.length ? this.#room.subarray(0, log.length) : log;
    if (bytes !== log) bytes.set(log);
    return { bytes, bytesRead: log.length, need: nothing, close: nothing };
  }

  /** Undefined when the file is gone; one file at a time is open. Throws `archive_directory_unreadable`. */
  open(path: string): OpenLog | undefined {
    try {
      const file = openSync(path, 'r');
      const { size } = statOf(file);
      return new FileLog(file, path, this.#room.subarray(0, size));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw archiveUnreadable(path, error);
    }
  }
}

const nothing = (): void => undefined;

/** Of an open file, which is closed when that fails. */
function statOf(file: number): Stats {
  try {
    return fstatSync(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

class FileLog implements OpenLog {
  bytesRead = 0;
  readonly bytes: Uint8Array;
  readonly #file: number;
  readonly #path: string;
  readonly #have = new Set<number>();

  constructor(file: number, path: string, bytes: Uint8Array) {
    this.#file = file;
    this.#path = path;
    this.bytes = bytes;
  }

  readonly need = (from: number, to: number): void => {
    for (let chunk = Math.floor(from / chunkBytes); chunk * chunkBytes < to; chunk++) {
      if (this.#have.has(chunk)) continue;
      this.#read(chunk * chunkBytes);
      this.#have.add(chunk);
    }
  };

  #read(from: number): void {
    const part = this.bytes.subarray(from, from + chunkBytes);
    let filled = 0;
    try {
      for (let got = -1; got !== 0 && filled < part.length; filled += got)
        got = readSync(this.#file, part, filled, part.length - filled, from + filled);
    } catch (error) {
      throw archiveUnreadable(this.#path, error);
    }
    // Of a file that became shorter: nothing of the one before may pass for it.
    part.fill(0, filled);
    this.bytesRead += filled;
  }

  close(): void {
    closeSync(this.#file);
  }
}
