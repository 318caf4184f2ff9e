import type { Database } from '#catalog/database.ts';
import { lockSecretsOf, storeSecretsOf } from '#catalog/pools/pools.ts';
import { bug } from '#core/errors/fail.ts';
import type { PoolId } from '#core/id.ts';
import type { PoolSecrets } from '#core/pool/pool-access.ts';
import { poolSecretsShape } from '#core/settings/pool-settings.ts';
import type { Context } from '#api/context.ts';
import { poolOwner } from '#api/starts/orders.ts';

/**
 * Notes the passphrase that is going to hold. Returns the one of a rotation to another passphrase that has not ended, and
 * notes nothing then.
 */
export const beginRotation = (context: Context, id: PoolId, next: string): Promise<string | undefined> =>
  context.catalog.transaction(async (db) => {
    const secrets = await secretsOf(context, db, id);
    const { nextPassphrase } = secrets;
    if (nextPassphrase !== undefined && nextPassphrase !== next) return nextPassphrase;
    await store(context, db, { id, secrets: { ...secrets, nextPassphrase: next } });
    return undefined;
  });

/** The pool has the new key: its passphrase is the only one from now on. Nothing happens when another one came since. */
export const settleRotation = (context: Context, id: PoolId, passphrase: string): Promise<void> =>
  context.catalog.transaction(async (db) => {
    const { nextPassphrase, ...secrets } = await secretsOf(context, db, id);
    if (nextPassphrase === passphrase) await store(context, db, { id, secrets: { ...secrets, passphrase } });
  });

/** The row is locked until the transaction ends. */
async function secretsOf({ vault }: Context, db: Database, id: PoolId): Promise<PoolSecrets> {
  const sealed = await lockSecretsOf(db, id);
  if (sealed === undefined) throw bug(`pool ${id} has no row of secrets`);
  return poolSecretsShape.parse(JSON.parse(vault.open(sealed, poolOwner(id))));
}

const store = (
  { vault }: Context,
  db: Database,
  { id, secrets }: { readonly id: PoolId; readonly secrets: PoolSecrets },
): Promise<void> => storeSecretsOf(db, id, vault.seal(JSON.stringify(secrets), poolOwner(id)));
