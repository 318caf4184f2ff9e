import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { takeStateFile } from '../supervisor/state-file.ts';
import { stopCopy } from './stop-copy.ts';

/** Where the recovered copy goes, below the demo's folder. */
export const copyFolder = 'copy';
/** Where the copy of the incremental's backup state goes. */
export const incrementalCopyFolder = 'incremental-copy';
const copyFolders = [copyFolder, incrementalCopyFolder];
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

/** Stops whatever copy of the demo in this folder still runs. */
export const stopCopies = async (folder: string): Promise<void> => {
  for (const copy of copyFolders) await stopCopy(join(folder, copy));
};

const reap = async (folder: string): Promise<void> => {
  const state = await takeStateFile(folder);
  await stopCopies(folder);
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
