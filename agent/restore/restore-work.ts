import type { OrderOf } from '#core/agent/order.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface RestoreDeps {
  /** The agent's own directory: journals of runs lie below `runs/`. */
  readonly home: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  /** Hears of log that is saved before a restore in place. */
  readonly channel: Pick<AgentChannel, 'putBatch'>;
  /** Directories with server programs that are looked at first, for example those of running instances. */
  readonly programs: (major: number) => Promise<readonly string[]>;
  /** Canonical directories in which instances of this host keep log: nothing is restored into them. */
  readonly logDirectories: () => Promise<readonly string[]>;
  /** Account that owns a copy when the agent is root: a name of /etc/passwd or `uid:gid`. */
  readonly account: string;
}

/** What one attempt of a restore works with. */
export interface RestoreWork {
  readonly deps: RestoreDeps;
  readonly order: OrderOf<'restore'>;
  readonly step: StepContext;
  readonly pool: Pool;
  readonly programs: string;
  /** Program that proves files before a server is started; absent: not asked for. */
  readonly verifier?: string;
  readonly watch: Stopwatch;
}
