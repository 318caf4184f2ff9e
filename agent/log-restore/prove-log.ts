import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { LogRestorePlan, MissingLog, PlannedLog } from '#core/log/log-restore-plan.ts';
import { checkSegment } from '#core/wal/check-segment.ts';
import { historyName, parseHistory } from '#core/wal/history-file.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';

/** Proves segments in the order of the plan: whose they are, which ones, and that the CRC chain of records leads to their end. */
export class LogProver {
  readonly #plan: LogRestorePlan;
  readonly #pool: string;
  #reader = new LogReader();
  #branchId = '';

  constructor(plan: LogRestorePlan, pool: string) {
    this.#plan = plan;
    this.#pool = pool;
  }

  /** The whole file of a segment: a tail that was saved unfinished is padded with zeros. Throws `log_…`, `object_damaged`. */
  prove(segment: PlannedLog, raw: Uint8Array): Uint8Array {
    const { segmentBytes, systemId, histories } = this.#plan;
    // A record of the parent may go on in log that the child does not share: each branch is read by itself.
    if (segment.branchId !== this.#branchId) this.#reader = new LogReader();
    this.#branchId = segment.branchId;
    const reading = this.#reader.read(raw);
    const isWhole = lsnToNumber(segment.to) >= lsnToNumber(segment.from) + segmentBytes;
    const history = parseHistory(histories[historyName(segment.timeline)] ?? '');
    const isTailGood = !isWhole && reading !== undefined && compareLsn(reading.to, segment.to) >= 0;
    if (isTailGood && reading.header.systemId === systemId && reading.from === segment.from)
      return padded(raw, segmentBytes);
    const expected = { name: segment.name, file: segment.object, systemId, bytes: raw.length, history };
    checkSegment(expected, reading);
    if (raw.length === segmentBytes) return raw;
    const what = `it holds ${String(raw.length)} bytes`;
    throw fail('object_damaged', { pool: this.#pool, object: segment.object, what });
  }
}

function padded(raw: Uint8Array, bytes: number): Uint8Array {
  if (raw.length >= bytes) return raw;
  const whole = Buffer.alloc(bytes);
  whole.set(raw);
  return whole;
}

/** A damaged or lost segment is told as missing log; everything else is thrown on. */
export function damageOf({ name, from, to }: PlannedLog, error: unknown): MissingLog {
  const isFinding = error instanceof HoldfastError && !error.isRetryable && findings.has(error.code);
  if (!isFinding) throw error;
  return { from, to, what: `${name} was left out: ${error.message} (${error.code})` };
}

const findings = new Set<string>([
  ...['object_missing', 'object_damaged', 'object_short', 'log_damaged', 'log_foreign', 'log_name_mismatch'],
]);
