import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunId } from '#core/id.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { instantShape, lsnShape } from '#core/settings/shape/words.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';

/** What the agent remembers of a restore across its own death. */
export interface RestoreJournal {
  /** The report of an attempt that finished; its answer may have been lost. */
  finished(): RestoreReport | undefined;
  /** Durable when it returns. */
  finish(report: RestoreReport): void;
  /** The report of an attempt that recovered in place and may have opened the database: nothing may be written anew. */
  recovered(): RecoveredInPlace | undefined;
  recover(recovered: RecoveredInPlace): void;
  /** Places of a restore that began; undefined once it is done with. */
  begun(): readonly string[] | undefined;
  /** Durable when it returns: before anything is touched. */
  begin(places: readonly string[]): void;
  /** What was restored is gone: another attempt begins anew. */
  forget(): void;
  /** Nothing is left to clean up. */
  end(): void;
  /** Directories that this run moved aside or was about to, in the order of their moves; undefined when none. */
  movedAside(): readonly string[] | undefined;
  /** Durable when it returns: before the first rename. */
  moveAside(roots: readonly string[]): void;
  /** All of them are back. */
  putBack(): void;
  /** Tablespaces that this run writes over together with the data directory; undefined when it writes over nothing. */
  overwriting(): readonly string[] | undefined;
  /** Durable when it returns: before the first byte is changed. */
  overwrite(spaces: readonly string[]): void;
}

/** A database recovered in place, not yet opened with its own settings. */
export interface RecoveredInPlace {
  readonly report: RestoreReport;
  /** Configuration file outside the data directory. */
  readonly configFile?: string;
}

const finishedName = 'restored.json';
const recoveredName = 'recovered.json';
const asideName = 'aside.json';
const overwriteName = 'overwrite.json';
export const begunName = 'begun.json';

const reportShape: z.ZodType<RestoreReport> = z.object({
  directory: z.string(),
  timeline: z.number(),
  reachedLsn: lsnShape.exactOptional(),
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

const recoveredShape: z.ZodType<RecoveredInPlace> = z.object({
  report: reportShape,
  configFile: z.string().exactOptional(),
});

/** Opens the journal of a run below `home`, the agent's own directory. */
export function openRestoreJournal(home: string, runId: RunId): RestoreJournal {
  const folder = join(home, 'runs', runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const read = <T>(name: string, shape: z.ZodType<T>): T | undefined => {
    const text = readIfThere(join(folder, name));
    return text === undefined ? undefined : shape.parse(JSON.parse(text));
  };
  const write = (name: string, value: RestoreReport | RecoveredInPlace | readonly string[]): void => {
    writeWhole(join(folder, name), JSON.stringify(value));
    syncDirectory(folder);
  };
  const remove = (name: string): void => {
    rmSync(join(folder, name), { force: true });
    syncDirectory(folder);
  };
  return {
    finished: () => read(finishedName, reportShape),
    finish: (report) => {
      write(finishedName, report);
    },
    recovered: () => read(recoveredName, recoveredShape),
    recover: (recovered) => {
      write(recoveredName, recovered);
    },
    movedAside: () => read(asideName, z.array(z.string())),
    moveAside: (roots) => {
      write(asideName, roots);
    },
    putBack: () => {
      remove(asideName);
    },
    overwriting: () => read(overwriteName, z.array(z.string())),
    overwrite: (spaces) => {
      write(overwriteName, spaces);
    },
    begun: () => read(begunName, z.array(z.string())),
    begin: (places) => {
      write(begunName, places);
    },
    forget: () => {
      remove(finishedName);
    },
    end: () => {
      remove(begunName);
    },
  };
}

function writeWhole(path: string, text: string): void {
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
