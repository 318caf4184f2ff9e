import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import type { ObjectInfo } from '#core/ports/object-store.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';

const atOnce = 500;

export interface Removed {
  readonly objects: number;
  readonly bytes: number;
}

export const nothingRemoved: Removed = { objects: 0, bytes: 0 };
export const plus = (a: Removed, b: Removed): Removed => ({ objects: a.objects + b.objects, bytes: a.bytes + b.bytes });

/**
 * Removes objects and makes it durable; waits before each portion while the step is paused. A store that protects them
 * (object lock, a policy of the bucket) is told as such. Throws `delete_refused`, `cancelled` between two portions, and what
 * the pool throws.
 */
export async function removeObjects(
  pool: Pool,
  objects: readonly ObjectInfo[],
  step: Pick<StepContext, 'signal' | 'limits'>,
): Promise<Removed> {
  let bytes = 0;
  for (let at = 0; at < objects.length; at += atOnce) {
    await demandGoing(step);
    const some = objects.slice(at, at + atOnce);
    await removeSome(
      pool,
      some.map(({ key }) => key),
    );
    bytes += some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }
  await pool.store.barrier();
  return { objects: objects.length, bytes };
}

/** Removes one object that commits something, and proves that it is gone. */
export async function removeCommitPoint(pool: Pool, key: ObjectKey): Promise<Removed> {
  const found = await pool.store.head(key);
  if (found === undefined) return nothingRemoved;
  await removeSome(pool, [key]);
  await pool.store.barrier();
  if ((await pool.store.head(key)) !== undefined)
    throw fail('delete_refused', { pool: pool.name, object: key, why: 'it is still there after it was deleted' });
  return { objects: 1, bytes: found.sizeBytes };
}

async function removeSome(pool: Pool, keys: readonly ObjectKey[]): Promise<void> {
  try {
    await pool.store.remove(keys);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'pool_refused') throw error;
    const why = error.params['why'] ?? error.message;
    throw fail('delete_refused', { pool: pool.name, object: keys[0] ?? 'nothing', why }, error);
  }
}

/** Why the store does not let go of something yet, in words; other trouble is thrown on. */
export function protectionOf(error: unknown): string {
  if (error instanceof HoldfastError && error.code === 'delete_refused') return error.params['why'] ?? error.message;
  throw error;
}

/** Everything below a prefix. */
export async function objectsBelow(pool: Pool, prefix: string): Promise<readonly ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of pool.store.list(prefix)) found.push(info);
  return found;
}
