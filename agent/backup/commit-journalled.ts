import type { SetSummary } from '#core/backup/set-summary.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { SetToCommit } from '#core/format/meta.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import type { RunJournal } from './run-journal.ts';

/** An attempt whose pieces are in the pool and in its journal. */
interface Acknowledged {
  readonly pool: Pool;
  readonly step: StepContext;
  readonly journal: RunJournal;
}

/** Commits the set of an attempt, then forgets its pieces: not before, or a kill in between would send them again. Throws what `commitBackupSet` throws, `run_over`. */
export async function commitJournalled(
  { pool, step, journal }: Acknowledged,
  keys: SetKeys,
  meta: SetToCommit,
): Promise<SetSummary> {
  await step.demandOpen?.();
  reach(step, 'backup.before-commit');
  const summary = await commitBackupSet(pool, keys, meta, step);
  reach(step, 'backup.after-commit');
  journal.forget();
  return summary;
}
