import type { EngineProfile } from '#core/engine/profile.ts';
import type { RunId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Warning } from '#core/run/progress.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Stopwatch } from '#agent/restore/stopwatch.ts';
import type { ClientTools } from './play/client-tools.ts';
import type { MadeBook } from './play/made.ts';
import type { Target } from './target.ts';

/** What one attempt of a transfer works with. */
export interface TransferWork {
  /** The agent's own directory. */
  readonly home: string;
  readonly runId: RunId;
  readonly step: StepContext;
  readonly clock: Clock;
  readonly watch: Stopwatch;
  readonly target: Target;
  readonly made: MadeBook;
  readonly profile: EngineProfile;
  readonly tools: ClientTools;
  readonly tally: TransferTally;
}

/** What has arrived, for progress and report. */
export class TransferTally {
  bytes = 0;
  tables = 0;
  rows = 0;
  readonly warnings: Warning[] = [];
  readonly #step: Pick<StepContext, 'report'>;
  readonly #bytesTotal: number;
  #phase = 'transfer';
  #ground = { bytes: 0, tables: 0 };

  constructor(step: Pick<StepContext, 'report'>, bytesTotal: number) {
    this.#step = step;
    this.#bytesTotal = bytesTotal;
  }

  enter(phase: string): void {
    this.#phase = phase;
    this.#tell();
  }

  addBytes(bytes: number): void {
    this.bytes += bytes;
    this.#tell();
  }

  addTable(rows: number): void {
    this.tables += 1;
    this.rows += rows;
    this.#tell();
  }

  /** What was built so far is no more than the ground of what goes into place: progress keeps it, the report counts from here. */
  beginPlacing(): void {
    this.#ground = { bytes: this.#ground.bytes + this.bytes, tables: this.#ground.tables + this.tables };
    [this.bytes, this.tables, this.rows] = [0, 0, 0];
  }

  #tell(): void {
    const [bytes, tables] = [this.#ground.bytes + this.bytes, this.#ground.tables + this.tables];
    const bytesTotal = Math.max(this.#bytesTotal, bytes);
    this.#step.report({
      ...{ ...noProgress, phase: this.#phase, bytesRead: bytes, bytesWritten: bytes },
      ...{ bytesTotal, filesDone: tables },
    });
  }
}
