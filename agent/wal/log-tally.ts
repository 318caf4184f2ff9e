import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { BatchId } from '#core/id.ts';
import type { SegmentOfBatch } from '#core/log/batch-summary.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { GapBefore, OpenBranch } from './batch-writer.ts';

/** Sums up one log run: what was stored, what to warn of, what was wrong. */
export class LogTally {
  segments = 0;
  rawBytes = 0;
  storedBytes = 0;
  /** Known once a segment was read. */
  segmentBytes: number | undefined;
  readonly batches: BatchId[] = [];
  readonly warnings: Warning[] = [];
  /** Bad files, in order: the first is what the run fails with. */
  readonly problems: HoldfastError[] = [];
  /** What may close a gap, or where its log was looked for in vain: follows the warning of it. */
  gapAdvice = '';
  readonly #step: StepContext;
  readonly #filesTotal: number;

  constructor(step: StepContext, filesTotal: number) {
    this.#step = step;
    this.#filesTotal = filesTotal;
  }

  stored(segment: SegmentOfBatch, segmentBytes: number): void {
    this.segments++;
    this.rawBytes += segment.rawBytes;
    this.storedBytes += segment.storedBytes;
    this.segmentBytes = segmentBytes;
    const { rawBytes, storedBytes, segments } = this;
    const counts = { filesDone: segments, filesTotal: this.#filesTotal, bytesTotal: this.#filesTotal * segmentBytes };
    this.#step.report({
      ...noProgress,
      ...counts,
      phase: 'log',
      bytesRead: rawBytes,
      bytesWritten: storedBytes,
      piecesDone: segments,
    });
  }

  warn(warning: Warning): void {
    this.warnings.push(warning);
    this.#step.log({ level: 'warn', message: warning.detail });
  }

  problem(error: HoldfastError, file: string): void {
    this.problems.push(error);
    this.#step.log({ level: 'error', message: `${file}: ${error.message}` });
  }

  gaps({ timeline }: Pick<OpenBranch, 'timeline'>, found: readonly GapBefore[]): void {
    for (const { lsn, isBreak } of found) {
      if (isBreak) this.warn(breakWarning(timeline, lsn));
      else
        this.warn({
          code: 'log_gap',
          detail: `log of timeline ${String(timeline)} before ${lsn} is missing: points in that gap cannot be reached, points behind it only after a new full backup${this.gapAdvice}`,
        });
    }
  }
}

/** Why no advice about the archive: nothing is missing, more log would not close it. */
export const breakWarning = (timeline: number, lsn: Lsn): Warning => ({
  code: 'log_gap',
  detail: `log of timeline ${String(timeline)} from ${lsn} on does not continue what the pool has right before it: the instance was put back to an earlier state in between (a storage snapshot, a copy of its machine). Sets before it do not lead behind it: take a full backup now`,
});
