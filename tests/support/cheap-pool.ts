import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { poolKey } from '#core/format/object-key.ts';
import { formatPoolBody, formatPoolFile } from '#core/format/pool-file.ts';
import { formatVersions } from '#core/format/version.ts';
import { instantFromMs } from '#core/instant.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { ScryptParameters } from '#agent/codec/keys.ts';
import { derivePoolKey, macHex, newScryptParameters } from '#agent/codec/keys.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { poolMacInfo } from '#agent/pools/pool-keys.ts';

/** The least that readers accept: a test opens its pools dozens of times, and each costs half a second otherwise. */
export const cheapScrypt = (): ScryptParameters => ({ ...newScryptParameters(), n: 1024 });

/** Creates a local pool; an encrypted one with a key that is made fast. */
export async function createCheapPool(access: PoolAccess): Promise<void> {
  const { poolId, place, secrets } = access;
  if (place.kind !== 'local' || secrets.passphrase === undefined) {
    await createPool(access, { nowMs: () => Date.now() });
    return;
  }
  const scrypt = cheapScrypt();
  const createdAt = instantFromMs(Date.now());
  const body = formatPoolBody({ format: formatVersions.pool.written, poolId, createdAt, scrypt });
  const mac = macHex(await derivePoolKey(secrets.passphrase, scrypt), body, poolMacInfo);
  mkdirSync(place.directory, { recursive: true, mode: 0o700 });
  const text = formatPoolFile({ body, sha256: sha256Hex(body), mac });
  writeFileSync(join(place.directory, poolKey()), text, { mode: 0o600 });
}
