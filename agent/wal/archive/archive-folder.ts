import { closeSync, fstatSync, lstatSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import { parseArchiveName } from '#core/wal/archive-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { codeOf } from '#agent/file-system.ts';

/** Names of an archive directory (K-082), each list in order of name, which is the order of the log. */
export interface ArchiveListing {
  readonly directory: string;
  readonly segments: readonly SegmentName[];
  /** Timelines that have a history file here. */
  readonly histories: readonly number[];
  /** Notes of backups, `<segment>.<offset>.backup`. */
  readonly notes: readonly string[];
  /** Files with names that no server and no archive command writes. */
  readonly unknown: readonly string[];
}

/** Throws `archive_directory_unreadable`. */
export function listArchive(directory: string): ArchiveListing {
  const names = readNames(directory).sort();
  const segments: SegmentName[] = [];
  const histories: number[] = [];
  const notes: string[] = [];
  const unknown: string[] = [];
  for (const name of names) {
    const parsed = parseArchiveName(name);
    if (parsed.kind === 'segment') segments.push(parsed.name);
    else if (parsed.kind === 'history') histories.push(parsed.timeline);
    else if (parsed.kind === 'backup-note') notes.push(name);
    else if (parsed.kind === 'unknown') unknown.push(name);
  }
  return { directory, segments, histories, notes, unknown };
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw fail(
      'archive_directory_unreadable',
      { directory, why: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}

/** Text of a file of the archive; undefined when it is not there. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw archiveUnreadable(path, error);
  }
}

/** A whole file into one buffer that is used again and again: segments are 16 MiB and many. */
export class SegmentBuffer {
  #buffer = new Uint8Array(0);

  /** The bytes are valid until the next call; undefined when the file is gone. Throws `archive_directory_unreadable`. */
  read(path: string): Uint8Array | undefined {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw archiveUnreadable(path, error);
    }
    try {
      const { size } = fstatSync(file);
      if (size > this.#buffer.length) this.#buffer = new Uint8Array(new ArrayBuffer(size));
      let filled = 0;
      for (let read = -1; read !== 0 && filled < size; filled += read)
        read = readSync(file, this.#buffer, filled, size - filled, filled);
      return this.#buffer.subarray(0, filled);
    } catch (error) {
      throw archiveUnreadable(path, error);
    } finally {
      closeSync(file);
    }
  }
}

export interface FileFacts {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** Undefined when the file is gone. */
export function fileFacts(path: string): FileFacts | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : { sizeBytes: stats.size, mtimeMs: stats.mtimeMs };
}

/** What a file or directory of log cannot be read for. */
export const archiveUnreadable = (path: string, cause: unknown): Error =>
  fail(
    'archive_directory_unreadable',
    { directory: path, why: cause instanceof Error ? cause.message : String(cause) },
    cause,
  );

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** True when the name exists, whatever it is. */
export const isFileNamed = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Shorter than its own header says: an archive command is still writing it. */
export function isUnfinished(bytes: Uint8Array): boolean {
  if (bytes.length < 40) return true;
  const segmentBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(32, true);
  return bytes.length < segmentBytes && segmentBytes <= 1 << 30;
}
