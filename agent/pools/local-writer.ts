import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { ObjectKey } from '#core/format/object-key.ts';
import { isCommitPoint, poolKey } from '#core/format/object-key.ts';
import { codeOf } from '#agent/file-system.ts';
import type { LocalGround } from './local-paths.ts';
import { localError, markerPath, notMounted, pathOf, temporaryBeside } from './local-paths.ts';

/** Synchronous side of a local pool, for worker threads. Durable only after `barrier(keys)` of a store. */
export interface LocalWriter {
  /** Creates an object if absent. Throws `pool_full`, `pool_refused`, `pool_unreachable`. */
  putSync(key: ObjectKey, body: Uint8Array): 'created' | 'exists';
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Makes a complete file visible under its name unless the name is taken; false when it was. */
function publish(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!noLinks.has(codeOf(error))) throw error;
    // A file system without hard links: names are unique per attempt, so check and rename is enough there.
    if (existsSync(path)) return false;
    renameSync(temporary, path);
    return true;
  }
  return true;
}

function writeWhole(path: string, body: Uint8Array, isDurable: boolean): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    for (let done = 0; done < body.length;) done += writeSync(file, body, done, body.length - done);
    if (isDurable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Writes the bytes of an object once more and puts them in its place: every reader sees the same, before and after. */
export function writeAgain(ground: LocalGround, key: ObjectKey, body: Uint8Array): void {
  const path = pathOf(ground, key);
  const temporary = temporaryBeside(path);
  try {
    writeWhole(temporary, body, true);
    renameSync(temporary, path);
  } finally {
    removeQuietly(temporary);
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Opens the synchronous writer of a local pool; `onDirectory` hears of each directory that it did not know to be there. */
export function openLocalWriter(ground: LocalGround, onDirectory: (directory: string) => void): LocalWriter {
  const known = new Set<string>();
  const ensureDirectory = (directory: string): void => {
    if (known.has(directory)) return;
    if (directory !== ground.directory && !existsSync(markerPath(ground))) throw notMounted(ground);
    if (directory !== ground.directory) mkdirSync(directory, { recursive: true, mode: 0o700 });
    onDirectory(directory);
    known.add(directory);
  };
  const put = (key: ObjectKey, body: Uint8Array): 'created' | 'exists' => {
    const path = pathOf(ground, key);
    if (key !== poolKey()) ensureDirectory(dirname(path));
    const temporary = temporaryBeside(path);
    try {
      // Why: a commit point that survives a power cut under its name must be whole; others wait for the barrier.
      writeWhole(temporary, body, isCommitPoint(key));
      return publish(temporary, path) ? 'created' : 'exists';
    } finally {
      removeQuietly(temporary);
    }
  };
  /** A directory we made may be gone since (retention, an unmounted file system): look again before giving up. */
  const putAgain = (key: ObjectKey, body: Uint8Array): 'created' | 'exists' => {
    try {
      return put(key, body);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || !known.delete(dirname(pathOf(ground, key)))) throw error;
      return put(key, body);
    }
  };
  return {
    putSync(key, body) {
      try {
        return putAgain(key, body);
      } catch (error) {
        throw codeOf(error) === '' ? error : localError(ground, error);
      }
    },
  };
}
