import type { RestorePointOfLog } from '../log/batch-summary.ts';
import type { NotableRecord } from './log-record.ts';
import type { CheckpointOfLog, SegmentReading } from './segment-reading.ts';
import { instantFromMicros } from '../instant.ts';
import { formatLsn } from './lsn.ts';

/** A segment is divided into this many stretches for its time marks. */
const markStretches = 16;

/** Collects what is worth keeping of one segment while it is read. */
export class SegmentFacts {
  readonly position: number;
  timeline = 0;
  records = 0;
  hasUnknownBegin = false;
  /** End of the last complete record. */
  validTo: number;
  /** Every record that begins in between was seen whole. */
  recordsFrom: number;
  recordsTo: number;
  #lastRecord = -1;
  #firstCommit: number | undefined;
  #lastCommit: number | undefined;
  #maxCommit: number | undefined;
  #maxEnd = -Infinity;
  #knownUntil = -Infinity;
  #lowestXid = Infinity;
  #highestXid = 0;
  readonly #marks: { stretch: number; position: number; atMicros: number }[] = [];
  readonly #restorePoints: RestorePointOfLog[] = [];
  readonly #checkpoints: CheckpointOfLog[] = [];
  readonly #stretchBytes: number;

  /** `recordsFrom`: where the first record begins whose end lies here, as far as that is known. */
  constructor(position: number, segmentBytes: number, recordsFrom: number) {
    this.position = position;
    this.validTo = position;
    this.recordsFrom = recordsFrom;
    this.recordsTo = recordsFrom;
    this.#stretchBytes = Math.max(1, segmentBytes / markStretches);
  }

  passed(at: number, end: number): void {
    this.records++;
    this.#lastRecord = at;
    this.validTo = end;
    // Records begin at multiples of 8.
    this.recordsTo = Math.ceil(end / 8) * 8;
  }

  /** The rest of a record was passed over whose beginning is not known. */
  passedOver(end: number): void {
    this.hasUnknownBegin = true;
    this.validTo = end;
    this.recordsFrom = Math.ceil(end / 8) * 8;
    this.recordsTo = this.recordsFrom;
  }

  note(record: Exclude<NotableRecord, { kind: 'switch' | 'tablespace' }>, position: number): void {
    if (record.kind === 'end') this.#noteEnd(record, position);
    else if (record.kind === 'restore-point') {
      this.#restorePoints.push({ name: record.name, lsn: formatLsn(position), at: instantFromMicros(record.atMicros) });
    } else {
      const { timeline, isShutdown, atMicros } = record;
      const lsns = { lsn: formatLsn(position), redo: formatLsn(record.redo) };
      this.#checkpoints.push({ ...lsns, timeline, isShutdown, at: instantFromMicros(atMicros) });
      this.#knownUntil = Math.max(this.#knownUntil, atMicros);
    }
  }

  #noteEnd(end: Extract<NotableRecord, { kind: 'end' }>, position: number): void {
    if (end.isCommit) {
      this.#firstCommit ??= end.atMicros;
      this.#lastCommit = end.atMicros;
      this.#maxCommit = Math.max(this.#maxCommit ?? -Infinity, end.atMicros);
    }
    this.#knownUntil = Math.max(this.#knownUntil, end.atMicros);
    if (end.xid !== 0) {
      this.#lowestXid = Math.min(this.#lowestXid, end.xid);
      this.#highestXid = Math.max(this.#highestXid, end.xid);
    }
    if (end.atMicros > this.#maxEnd) this.#mark(position, end.atMicros);
  }

  #mark(position: number, atMicros: number): void {
    this.#maxEnd = atMicros;
    const stretch = Math.floor((position - this.position) / this.#stretchBytes);
    const last = this.#marks[this.#marks.length - 1];
    if (last !== undefined && last.stretch === stretch) last.atMicros = atMicros;
    else this.#marks.push({ stretch, position, atMicros });
  }

  summary(): Omit<SegmentReading, 'header' | 'from' | 'to' | 'ending' | 'stop' | 'isContinued'> {
    const at = (micros: number | undefined, key: string): object =>
      micros === undefined ? {} : { [key]: instantFromMicros(micros) };
    return {
      timeline: this.timeline,
      records: this.records,
      hasUnknownBegin: this.hasUnknownBegin,
      recordsFrom: formatLsn(this.recordsFrom),
      recordsTo: formatLsn(this.recordsTo),
      marks: this.#marks.map((mark) => ({ lsn: formatLsn(mark.position), at: instantFromMicros(mark.atMicros) })),
      restorePoints: this.#restorePoints,
      checkpoints: this.#checkpoints,
      ...(this.records === 0
        ? {}
        : { lastRecord: formatLsn(this.#lastRecord), lastRecordEnd: formatLsn(this.validTo) }),
      ...(this.#highestXid === 0
        ? {}
        : { xids: { lowest: String(this.#lowestXid), highest: String(this.#highestXid) } }),
      ...at(this.#firstCommit, 'firstCommit'),
      ...at(this.#lastCommit, 'lastCommit'),
      ...at(this.#maxCommit, 'maxCommit'),
      ...at(Number.isFinite(this.#knownUntil) ? this.#knownUntil : undefined, 'knownUntil'),
    };
  }
}
