import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { findServer } from './recovery/find-server.ts';
import { openRestoreJournal } from './journal.ts';
import { ownerOf } from './place/owner.ts';
import { restoreCopy } from './restore-copy.ts';
import { restoreInPlace } from './in-place/restore-in-place.ts';
import { checkPassFile } from './place/pass-file.ts';
import { findVerifier } from './write/prove-files.ts';
import { releasePlaces } from './in-place/release-places.ts';
import type { RestoreDeps, RestoreWork } from './restore-work.ts';
import { Stopwatch } from './stopwatch.ts';

/**
 * Executes a restore plan as it is (design §7, K-089): proves the target, writes the set, puts the log into place, writes
 * pg_control last, recovers and compares what was reached with the plan. Safe to call again with the same order: a
 * killed attempt is taken up, a finished one answers its report. Throws `target_…`, `space_too_little`,
 * `restore_log_missing`, `label_missing`, `recovery_short`, `recovery_failed`, `cancelled`, what the pool throws.
 */
export const restore =
  (deps: RestoreDeps): HostWork['restore'] =>
  async (order, step): Promise<RestoreReport> => {
    const journal = openRestoreJournal(deps.home, order.runId);
    const finished = journal.finished();
    if (finished !== undefined) {
      releasePlaces(order);
      return finished;
    }
    const { plan } = order;
    if (step.signal.aborted) throw fail('cancelled', { what: 'the restore' });
    const profile = engineProfile(plan.engine);
    const preferred = await deps.programs(plan.serverMajor);
    const programs = await findServer(profile, plan.serverMajor, preferred);
    const isProven = plan.ways?.provesFiles === true;
    const verifier = isProven ? await findVerifier(profile, plan.serverMajor, [programs, ...preferred]) : undefined;
    const pool = await openPoolOfStep(order.pool, step, deps.clock);
    try {
      const work: RestoreWork = {
        ...{ deps, order, step, pool, programs, watch: new Stopwatch(deps.clock) },
        ...(verifier === undefined ? {} : { verifier }),
      };
      const owner = ownerOf(order, deps.account);
      checkPassFile(plan, owner);
      journal.begin([plan.place.directory, ...Object.values(plan.tablespaceMap)]);
      const report =
        plan.place.kind === 'copy'
          ? await restoreCopy(work, owner, journal)
          : await restoreInPlace(work, owner, journal);
      journal.end();
      return report;
    } finally {
      await pool.close();
    }
  };
