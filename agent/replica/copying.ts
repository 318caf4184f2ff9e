import type { OrderOf } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { LeftOut, PoolCopyReport } from '#core/care/pool-copy.ts';
import { fail } from '#core/errors/fail.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Pool } from '#agent/pools/open-pool.ts';

interface Parts {
  readonly from: Pool;
  readonly to: Pool;
  readonly order: OrderOf<'pool-copy'>;
  readonly step: StepContext;
  readonly newId: IdSource;
}

/** One attempt of a copy from pool to pool: what it works with, and what it did so far. */
export class Copying {
  readonly from: Pool;
  readonly to: Pool;
  readonly order: OrderOf<'pool-copy'>;
  readonly newId: IdSource;
  readonly #step: StepContext;
  readonly #counts = { sets: 0, setsThere: 0, batches: 0, batchesThere: 0, objects: 0, bytes: 0, objectsReused: 0 };
  readonly #leftOut: LeftOut[] = [];
  readonly #warnings: Warning[] = [];
  /** Copied sets that have no log inside. */
  readonly needingLog: SetSummary[] = [];
  /** What could not be copied although it was asked for. */
  readonly failures: LeftOut[] = [];
  #bytesRead = 0;

  constructor({ from, to, order, step, newId }: Parts) {
    this.from = from;
    this.to = to;
    this.order = order;
    this.newId = newId;
    this.#step = step;
    for (const one of order.task.leftOut) this.leaveOut(one);
    for (const one of order.task.warnings) this.warn(one);
  }

  get runId(): StepContext['runId'] {
    return this.#step.runId;
  }

  /** Where a test lets the agent die. */
  get faults(): StepContext['faults'] {
    return this.#step.faults;
  }

  /** Throws `cancelled` when a person asked to stop. What was put stays and is used by the next copy. */
  demandGoing(): void {
    if (this.#step.signal.aborted)
      throw fail('cancelled', { what: `the copy from ${this.from.name} to ${this.to.name}` });
  }

  /** K-084: right before each commit point. Throws `run_over` when the run was given up: somebody may have collected what was put. */
  async demandOpen(): Promise<void> {
    await this.#step.demandOpen?.();
  }

  count(what: Exclude<keyof PoolCopyReport, 'leftOut' | 'warnings' | 'bytes'>): void {
    this.#counts[what] += 1;
  }

  /** Puts an object that is not there. Durable with the next barrier. */
  async put(key: ObjectKey, body: Uint8Array): Promise<'created' | 'exists'> {
    const outcome = await this.to.store.putIfAbsent(key, body);
    if (outcome === 'created') this.sent(body.length);
    return outcome;
  }

  sent(bytes: number): void {
    this.#counts.objects += 1;
    this.#counts.bytes += bytes;
    this.#report();
  }

  /** Stored bytes of the source that are behind us. */
  passed(bytes: number): void {
    this.#bytesRead += bytes;
    this.#report();
  }

  leaveOut(one: LeftOut): void {
    this.#leftOut.push(one);
    this.#step.log({ level: 'info', message: `${one.what} is not copied: ${one.why}` });
  }

  failed(one: LeftOut): void {
    this.failures.push(one);
    this.#step.log({ level: 'error', message: `${one.what} cannot be copied: ${one.why}` });
  }

  warn(warning: Warning): void {
    this.#warnings.push(warning);
    this.#step.log({ level: 'warn', message: warning.detail });
  }

  get result(): PoolCopyReport {
    return { ...this.#counts, leftOut: this.#leftOut.slice(0, 100), warnings: this.#warnings };
  }

  #report(): void {
    const { sets, setsThere, objects, bytes } = this.#counts;
    const { task } = this.order;
    this.#step.report({
      ...{ ...noProgress, phase: 'copy', bytesRead: this.#bytesRead, bytesWritten: bytes },
      ...{ bytesTotal: Math.max(task.bytesTotal, this.#bytesRead), piecesDone: objects },
      ...{ filesDone: sets + setsThere, filesTotal: task.sets.length },
    });
  }
}
