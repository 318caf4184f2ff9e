import { statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { isAbsent } from './writer-paths.ts';

/** A directory that will receive bytes. */
export interface SpaceNeed {
  readonly path: string;
  readonly bytes: number;
}

/** Left free on every file system: the server writes while it recovers. */
const reserveBytes = 16 * 1024 * 1024;

/** Checks each file system once, with all that will be written there. Throws `space_too_little` before anything is written. */
export function refuseTooLittleSpace(needs: readonly SpaceNeed[]): void {
  const byDevice = new Map<number, { path: string; bytes: number }>();
  for (const need of needs) {
    const path = nearestExisting(need.path);
    const device = statSync(path).dev;
    const known = byDevice.get(device);
    byDevice.set(device, { path: known?.path ?? path, bytes: (known?.bytes ?? reserveBytes) + need.bytes });
  }
  for (const { path, bytes } of byDevice.values()) {
    const found = statfsSync(path);
    const free = found.bavail * found.bsize;
    if (free < bytes) throw fail('space_too_little', { path, free: String(free), needed: String(bytes) });
  }
}

function nearestExisting(path: string): string {
  return isAbsent(path) ? nearestExisting(dirname(path)) : path;
}
