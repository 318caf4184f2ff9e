import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TargetMark } from '#core/drill/drill-target.ts';
import type { Afterwards } from '#core/drill/drill-target.ts';
import { afterwardsWords } from '#core/drill/drill-target.ts';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { writeWholeFile } from '#agent/work/whole-file.ts';

/** What the agent remembers of a drill in the place of a marked instance, until that place is settled. */
export interface TargetNote {
  readonly directory: string;
  readonly mark: TargetMark;
  readonly afterwards: Afterwards;
  /** The report may be stored: whether it is must be asked before the place is given back. */
  readonly isTelling?: boolean;
  /** The report is stored: the restored instance stays, the old one goes. Until then it is the other way round. */
  readonly isTold: boolean;
}

const noteName = 'drill-target.json';
const noteShape: z.ZodType<TargetNote> = z.object({
  directory: z.string(),
  mark: z.object({ resourceId: idShape('res'), token: z.string() }),
  afterwards: z.enum(afterwardsWords),
  isTelling: z.boolean().exactOptional(),
  isTold: z.boolean(),
});

const folderOf = (home: string, runId: RunId): string => join(home, 'runs', runId);

/** Durable when it returns. */
export async function writeNote(home: string, runId: RunId, note: TargetNote): Promise<void> {
  const folder = folderOf(home, runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await writeWholeFile(join(folder, noteName), JSON.stringify(note));
}

export function readNote(home: string, runId: RunId): TargetNote | undefined {
  const path = join(folderOf(home, runId), noteName);
  return existsSync(path) ? noteShape.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

export function removeNote(home: string, runId: RunId): void {
  rmSync(join(folderOf(home, runId), noteName), { force: true });
  syncDirectory(folderOf(home, runId));
}

/** Notes, before a report is told, that it may be stored from now on. Nothing happens for a drill without a target. */
export async function noteTelling(home: string, runId: RunId): Promise<void> {
  const note = readNote(home, runId);
  if (note !== undefined && note.isTelling !== true) await writeNote(home, runId, { ...note, isTelling: true });
}

/** Runs of this host that began to replace a marked instance and have not settled it. */
export function begunTargets(home: string): readonly RunId[] {
  const runs = join(home, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(join(runs, name, noteName)))
    .map((name) => parseId('run', name));
}
