import { poolKey, keyFileKey } from '#core/format/object-key.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { KitFacts } from '#core/pool/recovery-kit.ts';
import { prove } from './open-pool.ts';
import { openGround } from './open-store.ts';
import { readKeyFiles } from './pool-keys.ts';
import { withRetries } from './retry.ts';

/** What the recovery kit of a pool must hold, from a pool that was proven to open. Throws what `openPool` throws. */
export async function kitFacts(access: PoolAccess): Promise<KitFacts> {
  const ground = openGround(access);
  try {
    const { file, text, keys } = await prove(access, ground);
    const later = keys === undefined ? [] : await readKeyFiles(access, withRetries(ground));
    return {
      ...{ createdAt: file.createdAt, format: file.format, isEncrypted: keys !== undefined },
      keyVersion: keys?.version ?? 0,
      objects: [
        { key: poolKey(), text },
        ...later.map((one) => ({ key: keyFileKey(one.file.version), text: one.text })),
      ],
    };
  } finally {
    await ground.close();
  }
}
