import { accessSync, chmodSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';

/** Unix sockets allow about 107 bytes; the socket's own name takes 16 of them (build.md: path ≤ 90 bytes). */
const longestBase = 40;
const base = tmpdir().length > longestBase ? '/tmp' : tmpdir();

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** Where fsync costs nothing, when this machine has such a place: for tests that prove nothing about power loss. */
export const memoryBase = canWriteTo('/dev/shm') ? '/dev/shm' : base;

function canWriteTo(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A new folder that the unprivileged server user owns and all may enter. The caller removes it. */
export const openFolder = (prefix = 'hf-', below = base): Folder => {
  const path = mkdtempSync(join(below, prefix));
  chmodSync(path, 0o755);
  giveToUnprivileged(path);
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
};

/** Where folders of tests are made. */
export const folderBase = base;
