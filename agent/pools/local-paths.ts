import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fail } from '#core/errors/fail.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey, poolKey } from '#core/format/object-key.ts';
import { codeOf } from '#agent/file-system.ts';

/** A directory that holds the objects of a pool as files. `pool` is the name that errors show. */
export interface LocalGround {
  readonly directory: string;
  readonly pool: string;
}

/** Names of files being written: never listed, never committed, safe to delete when their writer is gone. */
export const temporaryPrefix = '.tmp-';

/** Absolute path of an object. Keys are parsed again here: nothing leaves the directory of the pool. */
export const pathOf = (ground: LocalGround, key: ObjectKey): string => join(ground.directory, parseObjectKey(key));
export const temporaryBeside = (path: string): string =>
  join(dirname(path), `${temporaryPrefix}${randomBytes(9).toString('hex')}`);
export const markerPath = (ground: LocalGround): string => join(ground.directory, poolKey());

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const refusedCodes = new Set(['EACCES', 'EPERM', 'EROFS']);

/** A file system error in the words of pools. */
export function localError(ground: LocalGround, error: unknown): HoldfastError {
  const code = codeOf(error);
  const why = `${ground.directory}: ${error instanceof Error ? error.message : String(error)}`;
  if (fullCodes.has(code)) return fail('pool_full', { pool: ground.pool, why }, error);
  if (refusedCodes.has(code)) return fail('pool_refused', { pool: ground.pool, why }, error);
  return fail('pool_unreachable', { pool: ground.pool, why }, error);
}

export const objectMissing = (ground: LocalGround, key: string, cause?: unknown): HoldfastError =>
  fail('object_missing', { pool: ground.pool, object: key }, cause);

/** A directory that is not mounted must not fill up the file system below its mount point. */
export const notMounted = (ground: LocalGround): HoldfastError =>
  fail('pool_unreachable', {
    pool: ground.pool,
    why: `${ground.directory} has lost its holdfast.json; is it still mounted?`,
  });
