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
 * their last object was put: in a catalog that was rebuilt later than they really are. Empty when the pool protects nothing.
 */
export async function locksIn(
  db: Database,
  { id, place }: Pick<PoolRow, 'id' | 'place'>,
): Promise<ReadonlyMap<SetId | BatchId, Instant>> {
  const days = place.kind === 's3' ? place.immutableDays : undefined;
  if (days === undefined) return new Map();
  const until = (at: Instant): Instant => instantFromMicros(microsOfInstant(at) + days * dayMicros);
  const sets = await db.rows(
    z.object({ id: idShape('set'), at: instantShape }),
    'select id, indexed_at as at from backup_set where pool_id = $1',
    [id],
  );
  const batches = await db.rows(
    z.object({ id: idShape('batch'), at: instantShape }),
    'select id, indexed_at as at from log_batch where pool_id = $1',
    [id],
  );
  return new Map([...sets, ...batches].map((row) => [row.id, until(row.at)]));
}
