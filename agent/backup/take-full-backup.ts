import type { SetSummary } from '#core/backup/set-summary.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import { openSession } from '#agent/database/session.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { patienceOf } from '#agent/pools/retry.ts';
import type { Attempt, FullBackupDeps } from './attempt.ts';
import { backUp } from './back-up.ts';
import { committedSummary } from './committed-summary.ts';
import { takeOfflineBackup } from './offline.ts';
import { openRunJournal } from './run-journal.ts';
import { openPrimary } from './standby.ts';
import { tidyArchive } from './tidy-archive.ts';

/**
 * Takes a full backup of a PostgreSQL instance (design §5, K-047), an open one unless the order says otherwise (D-007). Safe to call again at any time with the same
 * order: after a kill it begins anew, re-reads, and sends only what the pool does not hold; after the commit it answers
 * the committed set. Throws, with nothing committed: what preflight finds, `session_lost`, `role_changed`,
 * `log_segment_missing`, `cancelled`, and what the pool throws.
 */
export const takeFullBackup =
  (deps: FullBackupDeps): HostWork['takeFullBackup'] =>
  async (order, step) => {
    const journal = openRunJournal(deps.home, order.runId);
    try {
      const pool = await openPool(order.pool, patienceOf(step));
      try {
        const set =
          (await committedSummary(pool, order.setId)) ?? (await backUpOnce({ deps, order, step, journal, pool }));
        // Why not of a standby: its archive is that of its primary.
        if (order.standby === undefined) await tidyArchive(deps, order, set, step);
        return set;
      } finally {
        await pool.close();
      }
    } finally {
      journal.close();
    }
  };

const backUpOnce = (attempt: Omit<Attempt, 'session' | 'primary'>): Promise<SetSummary> =>
  attempt.order.isOffline === true ? takeOfflineBackup(attempt) : logInAndBackUp(attempt);

async function logInAndBackUp(attempt: Omit<Attempt, 'session' | 'primary'>): Promise<SetSummary> {
  const session = await openSession(attempt.order.instance).catch((error: unknown) => {
    throw closedBefore(attempt, error);
  });
  try {
    const primary = await openPrimary(attempt.order, session);
    try {
      return await backUp({ ...attempt, session, primary });
    } finally {
      await primary?.close();
    }
  } finally {
    await session.close();
  }
}

/**
 * A server that goes away in the middle is waited for (K-084). One that was not there at the begin is no interruption: the
 * operator hears of it at once.
 */
function closedBefore({ order, journal }: Omit<Attempt, 'session' | 'primary'>, error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'instance_unreachable') return error;
  const { dataDirectory, engine } = order.instance;
  const hasBegun = journal.acknowledged.length > 0;
  const isRunning = readPidFile(dataDirectory, engineProfile(engine).files.pid)?.isAlive === true;
  if (hasBegun || isRunning) return error;
  return fail('instance_closed', { directory: dataDirectory, reason: error.message }, error);
}
