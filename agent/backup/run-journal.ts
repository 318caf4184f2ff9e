import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import { parseId } from '#core/id.ts';
import type { RunId } from '#core/id.ts';
import type { AcknowledgedPiece } from '#agent/copy/copy-request.ts';
import { isAlive, readIfPresent } from '#agent/datadir/reader.ts';
import { linesOfFile } from '#agent/file-lines.ts';
import { syncDirectory } from '#agent/file-system.ts';

/**
 * What the agent remembers of one run across its own death: the pieces the pool acknowledged. Only one process at a time
 * may have it open.
 */
export interface RunJournal {
  /** Pieces of earlier attempts; a line that was being written when the agent died is not among them. */
  readonly acknowledged: readonly AcknowledgedPiece[];
  /** On stable storage when it returns. */
  append(piece: AcknowledgedPiece): void;
  /** The set is committed: forget the pieces. */
  forget(): void;
  close(): void;
}

const pieceShape: z.ZodType<AcknowledgedPiece> = z.object({
  piece: z.object({
    piece: z.number(),
    attempt: z.string().transform((text) => parseId('try', text)),
    storedBytes: z.number(),
  }),
  frames: z.array(z.object({ offset: z.number(), storedBytes: z.number(), rawBytes: z.number(), sha256: z.string() })),
  extents: z.array(
    z.object({
      path: z.string(),
      from: z.number(),
      length: z.number(),
      hash: z.string(),
      frame: z.number(),
      offset: z.number(),
    }),
  ),
});

/** Opens the journal of a run below `home`, the agent's own directory. Throws `run_locked` while another process has it. */
export function openRunJournal(home: string, runId: RunId): RunJournal {
  const folder = join(home, 'runs', runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lockPath = join(folder, 'backup.lock');
  lock(lockPath, runId);
  const path = join(folder, 'acknowledged.ndjson');
  const { pieces, length } = readPieces(path);
  const file = openSync(path, 'a', 0o600);
  // A half line of a killed attempt is cut off by beginning a new one: it stays unreadable and is passed over.
  if (length > 0) writeSync(file, '\n');
  syncDirectory(folder);
  return {
    acknowledged: pieces,
    append: (piece) => {
      writeSync(file, `${JSON.stringify(piece)}\n`);
      fsyncSync(file);
    },
    forget: () => {
      rmSync(path, { force: true });
    },
    close: () => {
      closeSync(file);
      rmSync(lockPath, { force: true });
    },
  };
}

/** A journal of some TiB is longer than one text may be. */
function readPieces(path: string): { pieces: AcknowledgedPiece[]; length: number } {
  const length = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const pieces: AcknowledgedPiece[] = [];
  for (const line of length === 0 ? [] : linesOfFile(path)) {
    const parsed = pieceShape.safeParse(parsedLine(line));
    if (parsed.success) pieces.push(parsed.data);
  }
  return { pieces, length };
}

/** Journals each piece that the pool acknowledged, of whatever makes a set. */
export const acknowledging =
  (journal: RunJournal, step: { readonly faults?: Faults | undefined }) =>
  (piece: AcknowledgedPiece): void => {
    journal.append(piece);
    reach(step, 'backup.after-acknowledge');
  };

/** Undefined for a line that is no JSON: the last one of an attempt that was killed while it wrote. */
function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The lock names process and start time: a number that is used again by another process does not keep it. */
function lock(path: string, run: RunId): void {
  for (;;) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, holderText(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = readIfPresent(path) ?? '';
    const pid = Number(holder.split(' ')[0]);
    if (pid > 0 && isAlive(pid) && holder === holderText(pid)) throw fail('run_locked', { pid: String(pid), run });
    rmSync(path, { force: true });
  }
}

/** Field 22 of /proc/<pid>/stat, counted behind the command in parentheses: start time in clock ticks. */
function holderText(pid: number): string {
  const stat = readIfPresent(`/proc/${String(pid)}/stat`) ?? '';
  return `${String(pid)} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
}
