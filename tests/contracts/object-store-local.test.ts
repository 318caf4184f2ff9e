import { describe } from 'vitest';
import { formatId, parseId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { createPool } from '#agent/pools/open-pool.ts';
import { openStore } from '#agent/pools/open-store.ts';
import { openFolder } from '#tests/support/folder.ts';
import { testObjectStore } from './object-store.ts';

describe('object port on a directory', () => {
  testObjectStore(async () => {
    const folder = openFolder('hf-store-');
    const access: PoolAccess = {
      poolId: parseId('pool', formatId('pool', 1, new Uint8Array(10))),
      name: 'local',
      place: { kind: 'local', directory: `${folder.path}/pool` },
      secrets: {},
    };
    await createPool(access, { nowMs: () => 0 });
    const store = openStore(access);
    const close = async (): Promise<void> => {
      await store.close();
      folder.remove();
    };
    return { store, again: () => openStore(access), close };
  });
});
