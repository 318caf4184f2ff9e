import { bug } from '#core/errors/fail.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import type { RestoreJournal } from './journal.ts';
import type { RestoreWork } from './restore.ts';

export function restoreInPlace(_work: RestoreWork, _owner: FileOwner, _journal: RestoreJournal): Promise<RestoreReport> {
  throw bug('not there yet');
}
