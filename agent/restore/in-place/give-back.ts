import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { layoutOf } from '#agent/datadir/reader.ts';
import { asideOf, putBack } from '#agent/datadir/writer-aside.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import type { RestoreJournal } from '#agent/restore/journal.ts';

/**
 * Gives every old directory that a restore moved aside its place back, data directory first. What stands there instead
 * goes unless its control file, which is written last, says that a server may have run on it. One that cannot go back does
 * not keep the others. Throws `not_put_back` with the places that are left aside, and `cause` as its cause.
 */
export function giveBack(journal: RestoreJournal, runId: RunId, cause?: unknown): void {
  const failures: string[] = [];
  const roots = [...(journal.movedAside() ?? [])].reverse();
  const isKept = roots[0] !== undefined && !isAbsent(join(roots[0], layoutOf(roots[0]).files.control));
  for (const root of roots) {
    try {
      putBack(root, runId, { isKept });
    } catch (error) {
      failures.push(`${root} is at ${asideOf(root, runId)} (${reasonOf(error)})`);
    }
  }
  if (failures.length > 0)
    throw fail(
      'not_put_back',
      { places: failures.join('; '), why: cause === undefined ? 'it was given up' : reasonOf(cause) },
      cause,
    );
  journal.putBack();
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
