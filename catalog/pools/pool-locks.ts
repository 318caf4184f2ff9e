import { z } from 'zod';
import type { BatchId, SetId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { instantFromMicros, microsOfInstant } from '#core/instant.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import type { PoolRow } from './pools.ts';

const dayMicros = 86_400_000_000;

/**
 * Until when the sets and batches of a pool are protected by it, counted from when the catalog heard of them, which is after
 * their last object was put: in a catalog that was rebuilt later than they really are. A set that others build on is protected one to
 * two days longer than the last of those, also when they are gone: the later end counts, before it nobody tries to delete. With `only`
 * that set alone, and the earlier end: so long it surely is protected. Empty when the pool protects nothing.
 */
export async function locksIn(
  db: Database,
  { id, place }: Pick<PoolRow, 'id' | 'place'>,
  only?: SetId,
): Promise<ReadonlyMap<SetId | BatchId, Instant>> {
  const days = place.kind === 's3' ? place.immutableDays : undefined;
  if (days === undefined) return new Map();
  // Pieces that an earlier attempt put are renewed for an hour longer than what their commit puts.
  const spare = only === undefined ? dayMicros / 24 : 0;
  const until = (at: Instant): Instant => instantFromMicros(microsOfInstant(at) + days * dayMicros + spare);
  const sets = await db.rows(
    z.object({ id: idShape('set'), at: instantShape, renewed: instantShape.nullable() }),
    `select id, indexed_at as at, locked_until as renewed from backup_set
     where pool_id = $1 and ($2::text is null or id = $2)`,
    [id, only ?? null],
  );
  const locks = new Map<SetId | BatchId, Instant>();
  for (const { id: set, at, renewed } of sets)
    locks.set(set, later(until(at), only === undefined ? renewed : dayBefore(renewed)));
  if (only !== undefined) return locks;
  const batches = await db.rows(
    z.object({ id: idShape('batch'), at: instantShape }),
    'select id, indexed_at as at from log_batch where pool_id = $1',
    [id],
  );
  for (const { id: batch, at } of batches) locks.set(batch, until(at));
  return locks;
}

const later = (a: Instant, b: Instant | null): Instant => (b !== null && b > a ? b : a);
const dayBefore = (at: Instant | null): Instant | null =>
  at === null ? null : instantFromMicros(microsOfInstant(at) - dayMicros);
