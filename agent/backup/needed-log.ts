import { closeSync, fstatSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { segmentsOfBackup } from '#core/backup/log-range.ts';
import type { BackupRange } from '#core/backup/log-range.ts';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import { parseSegmentName, segmentStart } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { isGone } from '#agent/datadir/reader.ts';
import { throwIfEnded } from './ended.ts';

export interface NeededLog {
  readonly range: BackupRange;
  readonly systemId: string;
  /** For messages. */
  readonly instance: string;
  /** pg_wal of the running server: read first, because it needs no working archive. */
  readonly logDirectory: string;
  readonly archiveDirectory: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface LogFile {
  readonly name: string;
  /** Where it was read. */
  readonly absolute: string;
  readonly inode: number;
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly mtimeMs: number;
}

const searchMs = 60_000;
const searchAgainMs = 200;

/**
 * Every log segment of a backup, in order, each checked to its end (peers.md §5 item 4, D-020). To be called after the
 * end call: the server has switched, so all of them are complete. Throws `log_segment_missing`, `log_segment_damaged`.
 */
export async function* neededLog(needed: NeededLog): AsyncGenerator<LogFile> {
  const reader = new LogReader();
  for (const name of segmentsOfBackup(needed.range)) {
    const file = await find(needed, name);
    check(needed, file, reader.read(file.bytes));
    yield file;
  }
}

/** History files of the branch: a set on a later timeline is of no use without them. */
export function historyFiles(logDirectory: string): LogFile[] {
  const names = readdirSync(logDirectory).filter((name) => /^[0-9A-F]{8}\.history$/.test(name));
  return names.flatMap((name) => readWhole(join(logDirectory, name)) ?? []);
}

/**
 * A segment may leave pg_wal for the archive at any moment, so both are looked at again and again until the time is
 * over.
 */
async function find(needed: NeededLog, name: SegmentName): Promise<LogFile> {
  const { logDirectory, archiveDirectory, clock, signal, instance } = needed;
  const until = clock.nowMs() + searchMs;
  for (;;) {
    for (const directory of archiveDirectory === undefined ? [logDirectory] : [logDirectory, archiveDirectory]) {
      const file = readWhole(join(directory, name));
      if (file?.bytes.length === needed.range.segmentBytes) return file;
    }
    throwIfEnded(signal);
    if (clock.nowMs() > until)
      throw fail('log_segment_missing', { segment: name, instance, archive: archiveDirectory ?? 'no directory known' });
    await wait(searchAgainMs);
  }
}

/** True while the file that was read is still the one of that name: the server renames a segment before it writes over it. */
export const stillThere = ({ absolute, inode }: Pick<LogFile, 'absolute' | 'inode'>): boolean =>
  statSync(absolute, { throwIfNoEntry: false })?.ino === inode;

/** Undefined when the file is not there, or was recycled (renamed to serve as a later segment) while it was read. */
export function readWhole(path: string): LogFile | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  try {
    const { size, mode, mtimeMs, ino: inode } = fstatSync(file);
    const bytes = new Uint8Array(size);
    let filled = 0;
    for (let got = -1; got !== 0 && filled < size; filled += got)
      got = readSync(file, bytes, filled, size - filled, filled);
    const read = {
      name: basename(path),
      absolute: path,
      inode,
      bytes,
      mode: mode & 0o7777,
      mtimeMs: Math.floor(mtimeMs),
    };
    return filled === size && stillThere(read) ? read : undefined;
  } finally {
    closeSync(file);
  }
}

function check(needed: NeededLog, { name, absolute: path }: LogFile, reading: SegmentReading | undefined): void {
  const damaged = (reason: string): Error => fail('log_segment_damaged', { path, reason });
  if (reading === undefined) throw damaged('it does not begin with a log page');
  const { header, ending, to, from, stop, recordsTo } = reading;
  if (header.systemId !== needed.systemId)
    throw damaged(`it belongs to the cluster ${header.systemId}, not ${needed.systemId}`);
  const { range } = needed;
  if (from !== segmentStart(parseSegmentName(name), range.segmentBytes)) throw damaged(`it holds the log from ${from}`);
  // The last record of the backup must be there, up to where the next would begin; what follows it is not ours.
  const isWhole = ending !== 'early' || compareLsn(recordsTo, range.endLsn) >= 0;
  if (!isWhole)
    throw damaged(`valid log ends at ${to} (${stop?.reason ?? 'unknown'} at offset ${String(stop?.offset)})`);
}
