import { fail } from '#core/errors/fail.ts';
import { formatKeyBody, formatKeyFile } from '#core/format/key-file.ts';
import { keyFileKey } from '#core/format/object-key.ts';
import { formatVersions } from '#core/format/version.ts';
import { instantFromMs } from '#core/instant.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { ScryptParameters } from '../codec/keys.ts';
import { derivePoolKey, macHex, newScryptParameters, wrapPoolKey } from '../codec/keys.ts';
import { prove } from './open-pool.ts';
import { openGround } from './open-store.ts';
import { keyMacInfo } from './pool-keys.ts';
import { withRetries } from './retry.ts';

/** Version of the key that is now in force, and whether it was made here. */
export interface RotatedKey {
  readonly version: number;
  readonly isNew: boolean;
}

/**
 * Gives a pool a new key made from the next passphrase of `access`: one object that wraps the key before it, so that the
 * new passphrase opens everything, and what is written from now on is closed to the old one. That object is the commit
 * point: killed before it nothing has happened, after it all has. Safe to repeat. Throws `pool_not_encrypted`,
 * `key_contended`, `passphrase_…` and what the pool throws.
 */
export async function rotateKey(
  access: PoolAccess,
  clock: Clock,
  newParameters: () => ScryptParameters = newScryptParameters,
): Promise<RotatedKey> {
  const { nextPassphrase, ...secrets } = access.secrets;
  if (nextPassphrase === undefined) throw fail('passphrase_missing', { pool: access.name });
  const ground = openGround(access);
  try {
    const store = withRetries(ground);
    const { keys } = await prove(access, ground);
    if (keys === undefined) throw fail('pool_not_encrypted', { pool: access.name });
    if (keys.passphrase === nextPassphrase) {
      // Why: whoever put it may have died before its barrier.
      if (keys.version > 1) await store.secure(keyFileKey(keys.version));
      return { version: keys.version, isNew: false };
    }
    const version = keys.version + 1;
    await putKey(access, store, { version, key: keys.key, passphrase: nextPassphrase, scrypt: newParameters(), clock });
    // Read back the way everybody will: an object of somebody else under this number is found here.
    const proven = await prove({ ...access, secrets: { ...secrets, passphrase: nextPassphrase } }, ground).catch(
      (error: unknown) => {
        throw fail('key_contended', { pool: access.name }, error);
      },
    );
    return { version: proven.keys?.version ?? version, isNew: true };
  } finally {
    await ground.close();
  }
}

interface NewKey {
  readonly version: number;
  /** The key before it. */
  readonly key: Uint8Array;
  readonly passphrase: string;
  readonly scrypt: ScryptParameters;
  readonly clock: Clock;
}

async function putKey(access: PoolAccess, store: ObjectStore, asked: NewKey): Promise<void> {
  const { version, key, passphrase, scrypt, clock } = asked;
  const { poolId } = access;
  const next = await derivePoolKey(passphrase, scrypt);
  const body = formatKeyBody({
    ...{ format: formatVersions.keys.written, poolId, version },
    ...{ createdAt: instantFromMs(clock.nowMs()), scrypt },
    previousKey: wrapPoolKey(next, key, { poolId, version }),
  });
  const text = formatKeyFile({ body, sha256: sha256Hex(body), mac: macHex(next, body, keyMacInfo) });
  await store.putIfAbsent(keyFileKey(version), Buffer.from(text));
  await store.barrier([keyFileKey(version)]);
}
