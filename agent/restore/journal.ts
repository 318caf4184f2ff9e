import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunId } from '#core/id.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { instantShape, lsnShape } from '#core/settings/shape/words.ts';
import { codeOf } from '#agent/datadir/writer-errors.ts';
import { syncDirectory } from '#agent/datadir/writer-marker.ts';

/** What the agent remembers of a restore across its own death. */
export interface RestoreJournal {
  /** The report of an attempt that finished; its answer may have been lost. */
  finished(): RestoreReport | undefined;
  /** Durable when it returns. */
  finish(report: RestoreReport): void;
}

const reportShape: z.ZodType<RestoreReport> = z.object({
  directory: z.string(),
  timeline: z.number(),
  reachedLsn: lsnShape,
  lastTransactionAt: instantShape.exactOptional(),
  isOpen: z.boolean(),
  port: z.number().exactOptional(),
  socket: z.string().exactOptional(),
  keptOldAt: z.string().exactOptional(),
  bytesWritten: z.number(),
  filesWritten: z.number(),
  warnings: z.array(z.object({ code: z.string(), detail: z.string() })),
  secondsByPhase: z.record(z.string(), z.number()),
});

/** Opens the journal of a run below `home`, the agent's own directory. */
export function openRestoreJournal(home: string, runId: RunId): RestoreJournal {
  const folder = join(home, 'runs', runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'restored.json');
  return {
    finished: () => {
      const text = readIfThere(path);
      return text === undefined ? undefined : reportShape.parse(JSON.parse(text));
    },
    finish: (report) => {
      const file = openSync(`${path}.tmp`, 'w', 0o600);
      try {
        writeSync(file, JSON.stringify(report));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.tmp`, path);
      syncDirectory(folder);
    },
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
