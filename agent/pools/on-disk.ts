import { closeSync, constants, openSync, readSync } from 'node:fs';
import { codeOf } from '#agent/file-system.ts';
import { alignedMemory } from '#agent/wasm/page-memory.ts';

const room = alignedMemory();

/**
 * True when the disk itself, not the page cache, holds exactly these bytes as a file. A direct read sends what the cache still
 * holds to the disk first and hears of its failures. False too where the file system has no direct access: nothing is proven then.
 */
export function isOnDisk(path: string, bytes: Uint8Array): boolean {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_DIRECT | constants.O_NOFOLLOW);
    try {
      return holds(file, bytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (['EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'EIO'].includes(codeOf(error))) return false;
    throw error;
  }
}

function holds(file: number, bytes: Uint8Array): boolean {
  for (let at = 0; ;) {
    const got = readSync(file, room, 0, room.length, at);
    if (got === 0) return at === bytes.length;
    if (Buffer.compare(room.subarray(0, got), bytes.subarray(at, at + got)) !== 0) return false;
    at += got;
    // A short read is the end of the file; the next one would not be aligned.
    if (got < room.length) return at === bytes.length;
  }
}
