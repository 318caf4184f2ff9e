import { z } from 'zod';
import { getPool } from '#catalog/pools/pools.ts';
import { fail } from '#core/errors/fail.ts';
import { instantFromMs } from '#core/instant.ts';
import { recoveryKitText } from '#core/pool/recovery-kit.ts';
import { kitFactsShape, rotatedKeyShape } from '#core/settings/shape/pool-keys.ts';
import { productVersion } from '#core/version.ts';
import type { Context } from '#api/context.ts';
import { inspect } from '#api/pools/inspect.ts';
import { poolAccess } from '#api/starts/orders.ts';
import { beginRotation, settleRotation } from '#api/pools/pool-passphrase.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';
import { maintainerOf } from './pools.ts';

const poolParams = z.object({ pool: z.string() });

export const poolKeyRoutes = (context: Context): Route[] => [
  route({
    method: 'post',
    path: '/api/v1/pools/{pool}/rotate-key',
    title:
      'Give an encrypted pool a new key from a new passphrase; the old one opens nothing that is written from then on',
    access: { permission: 'manage-pools' },
    status: 200,
    isSecret: true,
    params: poolParams,
    body: z.object({ passphrase: z.string().min(8).max(1000) }),
    answer: rotatedKeyShape.meta({ id: 'RotatedKey' }),
    serve: async ({ params, body }) => ({ answer: await rotate(context, params.pool, body.passphrase) }),
  }),
  route({
    method: 'get',
    path: '/api/v1/pools/{pool}/recovery-kit',
    title:
      'What a restore without Holdfast needs, as text to keep apart from the pool; no passphrase and no access keys',
    access: { permission: 'manage-pools' },
    status: 200,
    params: poolParams,
    answer: z.object({ text: z.string() }).meta({ id: 'RecoveryKit' }),
    serve: async ({ params }) => {
      const row = await getPool(context.catalog, params.pool);
      const inspection = { kind: 'pool-kit' as const, pool: await poolAccess(context, row.id) };
      const facts = await inspect(context, { hostId: maintainerOf(row), inspection, answer: kitFactsShape });
      const madeAt = instantFromMs(context.clock.nowMs());
      const { id: poolId, name, place } = row;
      return { answer: { text: recoveryKitText({ poolId, name, place, toolVersion: productVersion, madeAt }, facts) } };
    },
  }),
];

/**
 * The catalog knows both passphrases before the pool is touched and forgets the old one after it is done: whenever this
 * process dies, one of them opens the pool and every run goes on.
 */
async function rotate(context: Context, pool: string, passphrase: string): Promise<z.output<typeof rotatedKeyShape>> {
  const row = await getPool(context.catalog, pool);
  if (!row.isEncrypted) throw fail('pool_not_encrypted', { pool: row.name });
  const put = async () => {
    const inspection = { kind: 'pool-rotate' as const, pool: await poolAccess(context, row.id) };
    return inspect(context, { hostId: maintainerOf(row), inspection, answer: rotatedKeyShape });
  };
  const pending = await beginRotation(context, row.id, passphrase);
  if (pending !== undefined) {
    // A rotation to another passphrase did not get to its end: that is finished first.
    await put();
    await settleRotation(context, row.id, pending);
    return rotate(context, pool, passphrase);
  }
  const rotated = await put();
  await settleRotation(context, row.id, passphrase);
  return rotated;
}
