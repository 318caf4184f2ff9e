import { z } from 'zod';
import type { PoolPlace } from '#core/pool/pool-access.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId, PoolId } from '#core/id.ts';
import { poolPlaceShape } from '#core/settings/pool-settings.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from '#catalog/database.ts';
import { nearOf } from '#catalog/near-names.ts';

export const poolShape = z.object({
  id: idShape('pool'),
  name: z.string(),
  access: z.enum(['local', 'shared']),
  place: poolPlaceShape,
  isEncrypted: z.boolean(),
  maintenanceHosts: z.array(idShape('host')),
  createdAt: instantShape,
});
export type PoolRow = z.output<typeof poolShape>;

const select = `select id, name, access, place, is_encrypted as "isEncrypted",
  maintenance_hosts as "maintenanceHosts", created_at as "createdAt" from pool`;

export const listPools = (db: Database): Promise<PoolRow[]> => db.rows(poolShape, `${select} order by id`);

/** By id or by name. Throws `pool_not_found`. */
export async function getPool(db: Database, idOrName: string): Promise<PoolRow> {
  const rows = await db.rows(poolShape, `${select} where id = $1 or name = $1`, [idOrName]);
  const pool = rows[0];
  if (pool === undefined) throw fail('pool_not_found', { pool: idOrName, near: await nearOf(db, 'pool', idOrName) });
  return pool;
}

/** Throws `name_taken`. */
export async function demandFreePoolName(db: Database, name: string): Promise<void> {
  const rows = await db.rows(z.object({ id: z.string() }), 'select id from pool where name = $1', [name]);
  if (rows.length > 0) throw fail('name_taken', { name, noun: 'pool' });
}

export interface NewPool {
  readonly id: PoolId;
  readonly name: string;
  readonly place: PoolPlace;
  readonly isEncrypted: boolean;
  readonly hostId: HostId;
  readonly sealedSecrets: Uint8Array;
}

export function addPool(db: Database, pool: NewPool): Promise<void> {
  return db.transaction(async (inside) => {
    await inside.change(
      'insert into pool (id, name, access, place, is_encrypted, maintenance_hosts) values ($1, $2, $3, $4, $5, $6)',
      [
        pool.id,
        pool.name,
        pool.place.kind === 'local' ? 'local' : 'shared',
        JSON.stringify(pool.place),
        pool.isEncrypted,
        [pool.hostId],
      ],
    );
    await inside.change('insert into pool_secret (pool_id, sealed_secrets) values ($1, $2)', [
      pool.id,
      pool.sealedSecrets,
    ]);
  });
}

/** The same, and nobody else changes them until the transaction ends. */
export async function lockSecretsOf(db: Database, id: PoolId): Promise<Uint8Array | undefined> {
  await db.change('select 1 from pool_secret where pool_id = $1 for update', [id]);
  return sealedSecretsOf(db, id);
}

export async function storeSecretsOf(db: Database, id: PoolId, sealedSecrets: Uint8Array): Promise<void> {
  await db.change('update pool_secret set sealed_secrets = $2 where pool_id = $1', [id, sealedSecrets]);
}

export async function sealedSecretsOf(db: Database, id: PoolId): Promise<Uint8Array | undefined> {
  const rows = await db.rows(
    z.object({ sealed: z.instanceof(Uint8Array) }),
    'select sealed_secrets as sealed from pool_secret where pool_id = $1',
    [id],
  );
  return rows[0]?.sealed;
}
