import type { AgentChannel } from '#core/ports/host-work.ts';
import type { NeededFrom } from '#core/wal/deletable.ts';

/** Log that backups need now (K-080), asked on behalf of a run; undefined: none may be deleted. */
export type NeededLog = (runId: string) => Promise<readonly NeededFrom[] | undefined>;

/** Asks the API for the order of the run again: it says what is needed at this moment. Throws what the channel throws. */
export const neededLogOf =
  (channel: Pick<AgentChannel, 'order'>): NeededLog =>
  async (runId) => {
    const order = await channel.order(runId);
    if (order.kind === 'log-backup') return order.neededFrom;
    return order.kind === 'full-backup' ? order.archive?.neededFrom : undefined;
  };
