import { fail } from '#core/errors/fail.ts';
import type { DatabaseSelection } from '#core/logical/selection.ts';
import { tableText } from '#core/logical/selection.ts';
import type { FoundRelation, Selected } from './backup-relations.ts';
import { demandReadable, selectedRelations } from './backup-relations.ts';
import type { Snapshot, SnapshotRequest } from './backup-snapshot.ts';
import { lockTables, rewrittenTable, takeSnapshot } from './backup-snapshot.ts';

export interface BegunBackup {
  readonly snapshot: Snapshot;
  readonly selected: Selected;
  /** Whose rows are read. */
  readonly tables: readonly FoundRelation[];
}

interface BeginningBackup extends SnapshotRequest {
  readonly selection: DatabaseSelection;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** A new snapshot takes what was rewritten meanwhile; who rewrites tables in each such moment is told to stop. */
const mostBegins = 5;

/**
 * A snapshot, and every table in it locked and still with the rows that the snapshot sees. Why again: a lock that was waited for
 * may come behind an `ALTER TABLE` or `TRUNCATE` that rewrote the table, which then is empty to the snapshot (PostgreSQL manual,
 * 13.6 "Caveats"). Throws `logical_table_gone`, `logical_lock_waited`, `logical_table_rewritten`.
 */
export async function beginBackup(backup: BeginningBackup): Promise<BegunBackup> {
  for (let begins = 1; ; begins++) {
    const snapshot = await takeSnapshot(backup);
    try {
      const { rewritten, ...begun } = await lockedBy(backup, snapshot);
      if (rewritten === undefined) return { snapshot, ...begun };
      if (begins === mostBegins) throw fail('logical_table_rewritten', { table: tableText(rewritten) });
      backup.log(`table ${tableText(rewritten)} was rewritten before its lock came: begun again with a new snapshot`);
    } catch (error) {
      await snapshot.session.close();
      throw error;
    }
    await snapshot.session.close();
    backup.signal.throwIfAborted();
  }
}

async function lockedBy(backup: BeginningBackup, { session }: Snapshot) {
  const { selection, lockWaitSeconds } = backup;
  const selected = await selectedRelations(session, selection);
  const { relations } = selected;
  demandReadable(selection, backup.instance.login?.user ?? '', relations);
  const tables = relations.filter(({ kind }) => kind === 'table');
  const locked = relations.filter(({ kind }) => kind === 'table' || kind === 'partitioned');
  await lockTables(session, locked, lockWaitSeconds);
  return { selected, tables, rewritten: await rewrittenTable(session, tables) };
}
