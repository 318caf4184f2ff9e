import { join } from 'node:path';
import { addHost } from '#catalog/hosts.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { addPool, getPool } from '#catalog/pools/pools.ts';
import type { HostId, RunId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import type { TestCatalog } from './catalog.ts';
import { openTestCatalog, testIds } from './catalog.ts';
import { memoryBase, openFolder } from './folder.ts';

/** A catalog with one host and one local pool, for the model of care. */
export interface ModelStage {
  readonly store: TestCatalog;
  readonly access: PoolAccess;
  readonly pool: Pool;
  readonly row: PoolRow;
  readonly hostId: HostId;
  readonly home: string;
  readonly close: () => Promise<void>;
}

export async function openModelStage(): Promise<ModelStage> {
  const store = await openTestCatalog();
  const folder = openFolder('hf-model-', memoryBase);
  const hostId = testIds('host');
  const place = { kind: 'local', directory: join(folder.path, 'pool') } as const;
  const access: PoolAccess = { poolId: testIds('pool'), name: 'model', place, secrets: {} };
  await createPool(access, { nowMs: () => Date.now() });
  const named = { name: 'h', hostname: 'h', agentVersion: '0.1.0', keySha256: new Uint8Array(32) };
  await addHost(store.catalog, { id: hostId, ...named });
  const sealed = { isEncrypted: false, hostId, sealedSecrets: new Uint8Array(1) };
  await addPool(store.catalog, { id: access.poolId, name: 'model', place, ...sealed });
  const pool = await openPool(access);
  const row = await getPool(store.catalog, access.poolId);
  const close = async (): Promise<void> => {
    await pool.close();
    await store.close();
    folder.remove();
  };
  return { store, access, pool, row, hostId, home: folder.path, close };
}

/** A step that nobody watches or cancels. */
export const quietStep = (runId: RunId): StepContext => ({
  runId,
  signal: new AbortController().signal,
  limits: () => ({}),
  report: () => undefined,
  log: () => undefined,
});
