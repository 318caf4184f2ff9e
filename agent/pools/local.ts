import { mkdir, open, readdir, stat, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey, poolKey } from '#core/format/object-key.ts';
import type { ObjectInfo, ObjectStore } from '#core/ports/object-store.ts';
import { codeOf } from '#agent/file-system.ts';
import type { LocalGround } from './local-paths.ts';
import { isOnDisk } from './on-disk.ts';
import { localError, markerPath, notMounted, objectMissing, pathOf, temporaryPrefix } from './local-paths.ts';
import type { LocalWriter } from './local-writer.ts';
import { openLocalWriter, writeAgain } from './local-writer.ts';
import { DurableNames } from './durable-names.ts';
import type { ToSettle } from './undurable.ts';
import { Undurable } from './undurable.ts';
import { collectTemporaries } from './local-temporaries.ts';
import type { PoolGround } from './pool-ground.ts';

/** Files of 8–32 MiB are written in one call; more than this many are never fsynced at once. */
const syncsAtOnce = 4;

async function fsyncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncAll(paths: readonly string[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await fsyncPath(path);
  };
  await Promise.all(Array.from({ length: syncsAtOnce }, worker));
}

/** Files first, then the directories that name them, deepest first: a name is never durable before its bytes. */
async function barrierOf(names: DurableNames, { files, removed }: ToSettle): Promise<void> {
  await syncAll(files);
  await names.settle([...files, ...removed], syncAll);
}

async function readRange(
  ground: LocalGround,
  key: ObjectKey,
  range?: { readonly from: number; readonly length: number },
): Promise<Uint8Array> {
  const file = await open(pathOf(ground, key), 'r');
  try {
    const size = (await file.stat()).size;
    const { from, length } = range ?? { from: 0, length: size };
    const body = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(body, done, length - done, from + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    if (done < length)
      throw fail('object_short', {
        pool: ground.pool,
        object: key,
        found: String(size),
        expected: String(from + length),
      });
    return body;
  } finally {
    await file.close();
  }
}

async function headOf(ground: LocalGround, key: ObjectKey): Promise<ObjectInfo | undefined> {
  try {
    const found = await stat(pathOf(ground, key));
    return found.isFile() ? { key, sizeBytes: found.size } : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

const isObjectName = (name: string): boolean => !name.startsWith(temporaryPrefix) && /^[A-Za-z0-9._-]+$/.test(name);

async function namesIn(path: string): Promise<readonly { readonly name: string; readonly isDirectory: boolean }[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const order = (a: { name: string; isDirectory: boolean }) => (a.isDirectory ? `${a.name}/` : a.name);
    return entries
      .filter((entry) => isObjectName(entry.name) && (entry.isDirectory() || entry.isFile()))
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Walks in key order; only folders that can hold the prefix are entered. */
async function* walk(ground: LocalGround, below: string, prefix: string): AsyncIterable<ObjectInfo> {
  for (const { name, isDirectory } of await namesIn(join(ground.directory, below))) {
    const key = `${below}${name}`;
    const isInside = isDirectory
      ? `${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)
      : key.startsWith(prefix);
    if (!isInside) continue;
    if (isDirectory) {
      yield* walk(ground, `${key}/`, prefix);
      continue;
    }
    const info = await headOf(ground, parseObjectKey(key));
    if (info !== undefined) yield info;
  }
}

async function removeAll(
  ground: LocalGround,
  keys: readonly ObjectKey[],
  removed: (path: string) => void,
): Promise<void> {
  for (const key of keys) {
    const path = pathOf(ground, key);
    try {
      await unlink(path);
      removed(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    }
  }
}

/** Runs a step and turns file system errors into errors of the pool; `key` names the object a step needs to exist. */
async function guarded<T>(ground: LocalGround, step: () => Promise<T>, key?: string): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const isAbsent = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    if (key !== undefined && isAbsent && (await isMounted(ground, key))) throw objectMissing(ground, key, error);
    throw localError(ground, error);
  }
}

async function* guardedWalk(ground: LocalGround, prefix: string): AsyncIterable<ObjectInfo> {
  try {
    yield* walk(ground, '', prefix);
  } catch (error) {
    throw error instanceof HoldfastError ? error : localError(ground, error);
  }
}

const isThere = (ground: LocalGround): Promise<boolean> =>
  stat(ground.directory).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** An object that is not found is missing only when its pool is there; the file that makes it a pool cannot ask for itself. */
const isMounted = (ground: LocalGround, key: string): Promise<boolean> =>
  key === poolKey()
    ? isThere(ground)
    : stat(markerPath(ground)).then(
        (found) => found.isFile(),
        () => false,
      );

async function headMounted(ground: LocalGround, key: ObjectKey): Promise<ObjectInfo | undefined> {
  const found = await headOf(ground, key);
  if (found === undefined && key !== poolKey() && !(await isMounted(ground, key))) throw notMounted(ground);
  return found;
}

/** One directory and no more: a mistyped path, or one whose disk is not mounted, must not become a pool beside the system's files. */
async function prepare({ directory, pool }: LocalGround): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw fail('pool_parent_missing', { directory, pool }, error);
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  await fsyncPath(dirname(directory));
}

/** Adapter of the object port on a directory: 0700 directories, 0600 files, atomic by temporary name and link. */
export function openLocalStore(ground: LocalGround): ObjectStore & PoolGround & LocalWriter {
  const names = new DurableNames(ground.directory);
  const writer = openLocalWriter(ground, (directory) => {
    names.make(directory);
  });
  const changes = new Undurable();
  const putSync = (key: ObjectKey, body: Uint8Array): 'created' | 'exists' => {
    const outcome = writer.putSync(key, body);
    changes.put(pathOf(ground, key), outcome);
    return outcome;
  };
  return {
    putSync,
    isPutAtOnce: true,
    putIfAbsent: (key, body) => guarded(ground, () => Promise.resolve(putSync(key, body))),
    get: (key, range) => guarded(ground, () => readRange(ground, key, range), key),
    head: (key) => guarded(ground, () => headMounted(ground, key)),
    list: (prefix) => guardedWalk(ground, prefix),
    remove: (keys) =>
      guarded(ground, () =>
        removeAll(ground, keys, (path) => {
          changes.remove(path);
        }),
      ),
    async barrier(also = []) {
      for (const key of also) {
        if ((await guarded(ground, () => headMounted(ground, key))) === undefined) throw objectMissing(ground, key);
      }
      const named = also.map((key) => pathOf(ground, key));
      await changes.settle(named, (what) => guarded(ground, () => barrierOf(names, what)));
    },
    secure: (key) =>
      guarded(
        ground,
        async () => {
          const bytes = await readRange(ground, key);
          if (!isOnDisk(pathOf(ground, key), bytes)) writeAgain(ground, key, bytes);
          await barrierOf(names, { files: [pathOf(ground, key)], removed: [] });
        },
        key,
      ),
    freeBytes: () => guarded(ground, async () => statfs(ground.directory).then((found) => found.bavail * found.bsize)),
    close: () => Promise.resolve(),
    prepare: () => guarded(ground, () => prepare(ground)),
    isThere: () => isThere(ground),
    keepsDeleted: () => Promise.resolve(undefined),
    collectTemporaries: (old) => guarded(ground, () => collectTemporaries(ground, old)),
    isEmpty: () =>
      guarded(ground, async () =>
        (await readdir(ground.directory)).every((name) => name === 'lost+found' || name.startsWith(temporaryPrefix)),
      ),
  };
}
