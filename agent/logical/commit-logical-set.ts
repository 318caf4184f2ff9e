import { fail } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { logicalMetaKey, logicalPieceKey, logicalSetPrefix, logicalStartKey } from '#core/format/object-key.ts';
import type { LogicalMeta } from '#core/logical/meta.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { sealLogicalMeta } from './logical-meta.ts';
import { committedLogicalSummary } from './open-logical-set.ts';

/**
 * Makes a logical set visible: the only place that does. Checks that every piece is there with its size, makes all of it
 * durable, then creates `meta`. One that was committed before stays as it is and its summary is returned. Throws
 * `set_incomplete` and what the pool throws.
 */
export async function commitLogicalSet(
  pool: Pool,
  keys: SetKeys,
  meta: LogicalMeta,
  step: { readonly faults?: Faults | undefined } = {},
): Promise<LogicalSetSummary> {
  const { setId } = keys;
  const before = await committedLogicalSummary(pool, setId);
  if (before !== undefined) return before;
  await pool.store.barrier(await checkedPieces(pool, meta));
  // Its pieces are those of this attempt; `start` may be older, and in an immutable pool its protection must not end before theirs.
  await pool.store.renewProtection?.([logicalStartKey(setId)], 'own');
  const key = logicalMetaKey(setId);
  reach(step, 'logical.before-meta');
  const outcome = await pool.store.putIfAbsent(key, sealLogicalMeta(keys, meta));
  reach(step, 'logical.after-meta');
  await pool.store.barrier([key]);
  if (outcome === 'created') return meta.summary;
  const first = await committedLogicalSummary(pool, setId);
  if (first === undefined)
    throw fail('set_incomplete', { set: setId, what: `pool ${pool.name} has ${key} and has it not` });
  return first;
}

async function checkedPieces(pool: Pool, { summary, pieces }: LogicalMeta): Promise<readonly ObjectKey[]> {
  const { setId } = summary;
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of pool.store.list(logicalSetPrefix(setId))) sizes.set(key, sizeBytes);
  return pieces.map(({ attempt, piece, storedBytes }) => {
    const key = logicalPieceKey(setId, attempt, piece);
    if (sizes.get(key) === storedBytes) return key;
    const what = `piece ${key} is not in pool ${pool.name} with its ${String(storedBytes)} bytes`;
    throw fail('set_incomplete', { set: setId, what });
  });
}
