import { join } from 'node:path';
import type { ControlFile } from '#core/engine/control-file.ts';
import { fail } from '#core/errors/fail.ts';
import { compareLsn, formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import { formatSegmentName, segmentOf } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { SegmentBuffer } from '#agent/wal/archive/archive-folder.ts';
import { throwIfEnded } from './ended.ts';

/** The log that a closed instance needs to start. */
export interface OfflineLog {
  /** From the segment of the redo pointer to the one in which the last record ends. */
  readonly segments: readonly SegmentName[];
  /** Where the last complete record ends: there the server would go on. */
  readonly endLsn: Lsn;
  /** False when nothing follows the shutdown checkpoint: also of a server that crashed before it wrote anything. */
  readonly isReplayNeeded: boolean;
}

export interface OfflineLogPlace {
  /** pg_wal of the closed instance. */
  readonly logDirectory: string;
  readonly instance: string;
  readonly control: ControlFile;
  readonly signal: AbortSignal;
}

/**
 * Follows the log of a closed instance from pg_control's redo pointer as far as its records lead, as the server would
 * (D-007). Recycled files behind the end are not part of it. Throws `log_segment_missing`, `log_segment_damaged`: without
 * the checkpoint that pg_control names, and after a clean shutdown with more than that, nothing may be trusted.
 */
export function readOfflineLog(place: OfflineLogPlace): OfflineLog {
  const { control } = place;
  const { segmentBytes, timeline, redoLsn } = control;
  const reader = new LogReader();
  const buffer = new SegmentBuffer();
  const segments: SegmentName[] = [];
  let end: Lsn | undefined;
  let last: Lsn | undefined;
  for (let number = Math.floor(lsnToNumber(redoLsn) / segmentBytes); ; number++) {
    throwIfEnded(place.signal);
    const name = formatSegmentName({ timeline, number }, segmentBytes);
    const bytes = buffer.read(join(place.logDirectory, name));
    const reading = bytes?.length === segmentBytes ? reader.read(bytes) : undefined;
    if (reading === undefined || !continues(reading, control, number)) break;
    segments.push(name);
    end = endOf(reading) ?? end;
    last = reading.lastRecord ?? last;
    if (reading.ending === 'early') break;
  }
  if (end === undefined) throw missing(place);
  demandCheckpoint(place, end, last);
  const isReplayNeeded = last !== control.checkpointLsn || redoLsn !== control.checkpointLsn;
  const held = segments.filter((name) => name <= segmentOf(timeline, before(end), segmentBytes));
  return { segments: held, endLsn: end, isReplayNeeded };
}

/** The position on a border belongs to the segment before it. */
const before = (end: Lsn): Lsn => formatLsn(lsnToNumber(end) - 1);

const continues = (
  { header, from }: SegmentReading,
  { systemId, segmentBytes }: ControlFile,
  number: number,
): boolean =>
  header.systemId === systemId && header.segmentBytes === segmentBytes && lsnToNumber(from) === number * segmentBytes;

/** Undefined when no record ends in the segment. A record that begins in it and does not end in the log does not count. */
function endOf({ records, ending, to, recordsTo, isContinued }: SegmentReading): Lsn | undefined {
  if (ending === 'switch') return to;
  if (records === 0) return undefined;
  return ending === 'full' && !isContinued ? to : recordsTo;
}

function demandCheckpoint(place: OfflineLogPlace, end: Lsn, last: Lsn | undefined): void {
  const { checkpointLsn, timeline, segmentBytes, state } = place.control;
  const path = join(place.logDirectory, segmentOf(timeline, checkpointLsn, segmentBytes));
  if (compareLsn(end, checkpointLsn) <= 0)
    throw fail('log_segment_damaged', {
      path,
      reason: `the log ends at ${end}, before the checkpoint at ${checkpointLsn} that the control file names`,
    });
  if (state === 'shut down' && last !== checkpointLsn)
    throw fail('log_segment_damaged', {
      path,
      reason: `records follow the checkpoint at ${checkpointLsn}, although the control file says that it closed the instance`,
    });
}

const missing = ({ control, instance, logDirectory }: OfflineLogPlace): Error =>
  fail('log_segment_missing', {
    segment: segmentOf(control.timeline, control.redoLsn, control.segmentBytes),
    instance,
    archive: logDirectory,
  });
