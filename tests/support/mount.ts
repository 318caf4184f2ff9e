import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

/** Mounting needs more than root in some containers. */
export const mount = (...args: readonly string[]): boolean => spawnSync('mount', args).status === 0;
export const unmount = (path: string): void => {
  expect(spawnSync('umount', ['-l', path]).status).toBe(0);
};
export const canMount = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-mount-'));
  const isMounted = mount('--bind', folder, folder);
  if (isMounted) spawnSync('umount', ['-l', folder]);
  rmdirSync(folder);
  return isMounted;
})();
