import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { LogRestoreReport } from '#core/log/log-restore-plan.ts';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { lsnShape } from '#core/settings/shape/words.ts';
import { discardMarked } from '#agent/datadir/discard-marked.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import { readMarker, releaseMarker, removeMarker } from '#agent/datadir/writer-marker.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';
import { writeWholeFile } from '#agent/work/whole-file.ts';

/** What a directory was before log was fetched into it: what goes away again when nobody wants the log any more. */
interface FoundPlace {
  readonly directory: string;
  /** Directories that were not there, the outermost first; empty when the directory itself was. */
  readonly made: readonly string[];
  /** Owner and mode of the directory when it was there. */
  readonly was?: { readonly uid: number; readonly gid: number; readonly mode: number };
}

const begunName = 'log-restore.json';
const finishedName = 'log-restored.json';

const placeShape: z.ZodType<FoundPlace> = z.object({
  directory: z.string(),
  made: z.array(z.string()),
  was: z.object({ uid: z.number(), gid: z.number(), mode: z.number() }).exactOptional(),
});

const missingShape = z.object({ from: lsnShape.exactOptional(), to: lsnShape.exactOptional(), what: z.string() });
const reportShape: z.ZodType<LogRestoreReport> = z.object({
  ...{ directory: z.string(), segments: z.number(), histories: z.number(), bytesWritten: z.number() },
  ...{ from: lsnShape.exactOptional(), to: lsnShape.exactOptional() },
  ...{ recoveryFile: z.string(), missing: z.array(missingShape) },
});

/** What the agent remembers of a log restore across its own death. */
export interface LogRestoreMemory {
  /** The report of an attempt that finished; its answer may have been lost. */
  finished(): LogRestoreReport | undefined;
  /** Remembers what stands at the directory, unless an attempt of this run did already. Durable when it returns. */
  begin(directory: string): Promise<void>;
  /** Durable when it returns. */
  finish(report: LogRestoreReport): Promise<void>;
  /** What is finished loses its mark. Safe to call again. */
  release(report: LogRestoreReport): void;
  /** Empties the directory when it carries the mark of this run. Throws `target_unwritable`. */
  empty(): void;
  /** The same, and the directory is as it was found: gone when it was not there. Throws `target_unwritable`. */
  undo(): void;
}

/** Opens the memory of a run below `home`, the agent's own directory. */
export function openLogRestoreMemory(home: string, runId: RunId): LogRestoreMemory {
  const folder = join(home, 'runs', runId);
  const [begunPath, finishedPath] = [join(folder, begunName), join(folder, finishedName)];
  const begun = (): FoundPlace | undefined => readAs(begunPath, placeShape);
  const finished = (): LogRestoreReport | undefined => readAs(finishedPath, reportShape);
  const write = async (path: string, value: FoundPlace | LogRestoreReport): Promise<void> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeWholeFile(path, JSON.stringify(value));
  };
  const forget = (): void => {
    if (!existsSync(begunPath)) return;
    rmSync(begunPath, { force: true });
    syncDirectory(folder);
  };
  const leave = (isAsFound: boolean): void => {
    const place = begun();
    if (place !== undefined && finished() === undefined) giveBack(place, runId, isAsFound);
    else if (place !== undefined) releaseMarker(place.directory, runId);
    forget();
  };
  return {
    finished,
    begin: async (directory) => {
      if (begun() === undefined) await write(begunPath, placeAt(directory));
    },
    finish: (report) => write(finishedPath, report),
    release: (report) => {
      releaseMarker(report.directory, runId);
      forget();
    },
    empty: () => {
      leave(false);
    },
    undo: () => {
      leave(true);
    },
  };
}

/** Log restores of this host that began and of which nothing says that they ended. */
export function begunLogRestores(home: string): readonly RunId[] {
  const runs = join(home, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(join(runs, name, begunName)))
    .map((name) => parseId('run', name));
}

/** Cleans up after a log restore whose run is over: what is finished stays, what is not goes. Safe to call again. Throws `target_unwritable`. */
export const undoLogRestore = (home: string, runId: RunId): void => {
  openLogRestoreMemory(home, runId).undo();
};

function placeAt(directory: string): FoundPlace {
  if (!isAbsent(directory)) {
    const { uid, gid, mode } = statSync(directory);
    return { directory, made: [], was: { uid, gid, mode: mode & 0o7777 } };
  }
  const made: string[] = [];
  for (let at = directory; isAbsent(at); at = dirname(at)) made.unshift(at);
  return { directory, made };
}

/** Only what carries the mark of the run is emptied, only what is empty is removed. */
function giveBack({ directory, made, was }: FoundPlace, runId: RunId, isAsFound: boolean): void {
  try {
    // A mark that a crash cut short in its very first write: nothing lies beside it yet.
    if (readMarker(directory) === '') removeMarker(directory);
    const wasOurs = discardMarked(directory, runId);
    if (was !== undefined && wasOurs) {
      chmodSync(directory, was.mode);
      chownSync(directory, was.uid, was.gid);
    }
    if (isAsFound) made.toReversed().every(removeEmpty);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** False when somebody has put something into it. */
function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    if (codeOf(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

function readAs<T>(path: string, shape: z.ZodType<T>): T | undefined {
  return existsSync(path) ? shape.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}
