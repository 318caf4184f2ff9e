import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { historyName, parseHistory } from '#core/wal/history-file.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { logDirectoryOf } from '#agent/datadir/reader.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { ArchiveListing } from './archive/archive-folder.ts';
import { readTextFile } from './archive/archive-folder.ts';
import type { OpenBranch } from './batch-writer.ts';
import { committedHistory } from './committed-log.ts';

export interface HistorySource {
  readonly archive: ArchiveListing;
  /** Of the instance: its pg_wal keeps the history files of its own timeline. */
  readonly dataDirectory: string;
  readonly systemId: string;
  readonly pool: Pool;
}

/** Timelines that the archive names, by segment or by history file, in order. */
export function timelinesIn(archive: ArchiveListing): number[] {
  const numbers = [...archive.segments.map((name) => parseInt(name.slice(0, 8), 16)), ...archive.histories];
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/**
 * The branch that log of a timeline belongs to: by the history file in the archive, else in pg_wal, else in the pool.
 * Throws `log_history_missing`, `log_history_damaged`.
 */
export async function openBranch(source: HistorySource, timeline: number): Promise<OpenBranch> {
  const { systemId } = source;
  if (timeline === 1) return { systemId, timeline, history: '', branchId: branchIdOf(''), fork: undefined };
  const name = historyName(timeline);
  const directory = source.archive.directory;
  const history =
    readTextFile(join(directory, name)) ??
    readTextFile(join(logDirectoryOf(source.dataDirectory), name)) ??
    (await committedHistory(source.pool, systemId, timeline));
  if (history === undefined) throw fail('log_history_missing', { timeline: String(timeline), directory, name });
  const entries = parseHistory(history, name);
  const last = entries[entries.length - 1];
  if (last === undefined) throw fail('log_history_damaged', { name, line: '' });
  return { systemId, timeline, history, branchId: branchIdOf(history, timeline), fork: last.switchLsn };
}
