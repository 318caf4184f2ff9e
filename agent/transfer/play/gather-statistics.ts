import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Session } from '#agent/database/session.ts';
import { orCancelled } from '#agent/transfer/or-cancelled.ts';
import type { TransferWork } from '#agent/transfer/transfer-work.ts';

/**
 * A copy without statistics of its columns is slow at first: it gets them before anybody works with it. A function of an index that names
 * something without its schema cannot be called here, nor by the server's own maintenance (PG manual "ANALYZE"): that is a warning. Throws
 * `session_lost`, `cancelled`.
 */
export async function gatherStatistics({ step, tally }: TransferWork, session: Session, name: string): Promise<void> {
  try {
    await orCancelled(step.signal, session.query('analyze'));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'query_failed') throw error;
    tally.warnings.push({
      code: 'statistics_missing',
      detail: `statistics of ${name} were not gathered, run ANALYZE there: ${error.params['reason'] ?? error.message}`,
    });
  }
}
