import type { ClaimVerdict, DeletionClaim } from '#core/care/care-task.ts';
import type { OrderOf } from '#core/agent/order.ts';
import type { AgentChannel } from '#core/ports/host-work.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import { noProgress } from '#core/run/progress.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';
import type { Removed } from './remove-objects.ts';
import { nothingRemoved, plus } from './remove-objects.ts';

export interface CareDeps {
  /** The agent's own directory: what runs on this host is seen there. */
  readonly home: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly channel: Pick<AgentChannel, 'claimDeletion' | 'tellDeleted' | 'nextToScrub' | 'tellScrubbed'>;
}

/** What one attempt of a care run works with, and what it did so far. */
export class CareWork {
  readonly deps: CareDeps;
  readonly order: OrderOf<'care'>;
  readonly step: StepContext;
  readonly pool: Pool;
  readonly kept: { readonly what: string; readonly why: string }[] = [];
  removed: Removed = nothingRemoved;
  sets = 0;
  batches = 0;

  constructor(parts: { deps: CareDeps; order: OrderOf<'care'>; step: StepContext; pool: Pool }) {
    this.deps = parts.deps;
    this.order = parts.order;
    this.step = parts.step;
    this.pool = parts.pool;
  }

  /** Nothing is claimed while the run is paused: what is claimed nobody may read. Throws `cancelled`. */
  async claim(claim: DeletionClaim): Promise<ClaimVerdict> {
    await demandGoing(this.step);
    return this.deps.channel.claimDeletion(this.order.runId, claim);
  }

  tell: (told: Parameters<AgentChannel['tellDeleted']>[1]) => Promise<void> = (told) =>
    this.deps.channel.tellDeleted(this.order.runId, told);

  /** Says why something stays; a run that left something ends with warnings. */
  keep(what: string, why: string): void {
    this.kept.push({ what, why });
    this.step.log({ level: 'warn', message: `${what} is kept: ${why}` });
  }

  add(removed: Removed): void {
    this.removed = plus(this.removed, removed);
    const { objects, bytes } = this.removed;
    this.step.report({
      ...noProgress,
      phase: 'delete',
      filesDone: objects,
      bytesWritten: bytes,
      piecesDone: this.sets,
    });
  }
}
