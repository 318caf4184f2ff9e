import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
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

/** A new folder that the unprivileged server user owns and all may enter. The caller removes it. */
export const openFolder = (prefix = 'hf-'): Folder => {
  const path = mkdtempSync(join(base, prefix));
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
