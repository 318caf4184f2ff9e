import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { takeStateFile } from '../supervisor/state-file.ts';
import { stopCopy } from './stop-copy.ts';

/** Where the recovered copy goes, below the demo's folder. */
export const copyFolder = 'copy';
export const folderPrefix = 'holdfast-demo-';
const keptMark = 'kept';

/** The folder stays where it is, whatever ends the demo. */
export const markKept = (folder: string): void => {
  writeFileSync(join(folder, keptMark), '');
};

const isReapable = (folder: string): boolean =>
  statSync(folder).uid === process.getuid?.() &&
  existsSync(join(folder, 'supervisor.json')) &&
  !existsSync(join(folder, keptMark));

const reap = async (folder: string): Promise<void> => {
  const state = await takeStateFile(folder);
  await stopCopy(join(folder, copyFolder));
  state.remove();
  rmSync(folder, { recursive: true, force: true });
};

/** Ends and removes what demos left whose machine or whose guard was killed with them; one that still runs is left alone. */
export async function reapLeftFolders(parent: string): Promise<void> {
  const folders = readdirSync(parent).filter((name) => name.startsWith(folderPrefix));
  for (const folder of folders.map((name) => join(parent, name)).filter(isReapable)) {
    await reap(folder).catch((error: unknown) => {
      if (!(error instanceof HoldfastError) || error.code !== 'stack_running') throw error;
    });
  }
}
