import type { OrderOf } from '#core/agent/order.ts';
import type { ControlFile } from '#core/engine/control-file.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { Inspected } from '#agent/database/preflight.ts';
import type { Session } from '#agent/database/session.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';
import type { RunJournal } from './run-journal.ts';

export interface FullBackupDeps {
  /** The agent's own directory: journals of runs lie below `runs/`. */
  readonly home: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  /** Asked before archived files are deleted (K-080). */
  readonly neededLog: NeededLog;
  readonly toolVersion: string;
}

/** All that one attempt works with. */
export interface Attempt {
  readonly deps: FullBackupDeps;
  readonly order: OrderOf<'full-backup'>;
  readonly step: StepContext;
  readonly journal: RunJournal;
  readonly pool: Pool;
  readonly session: Session;
  /** Of the primary, when a standby is backed up and its primary was named. */
  readonly primary?: Session | undefined;
}

/** What is known once backup mode has begun. */
export interface BegunBackup {
  readonly inspected: Inspected;
  readonly control: ControlFile;
  readonly beginLsn: Lsn;
  /** Text of the history file of the timeline, '' on timeline 1. */
  readonly history: string;
  readonly beganAtMs: number;
}
