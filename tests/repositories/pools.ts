import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import type { StepContext } from '#core/ports/step.ts';
import { fixedId, tinyIds } from './tiny-set.ts';

export const passphrase = 'correct horse battery staple';
/** Of the golden pool after its key was rotated. */
export const nextPassphrase = 'wrong donkey capacitor paperclip';

/** A local pool with a fixed id in a directory. */
export const localAccess = (directory: string, isEncrypted: boolean): PoolAccess => ({
  poolId: fixedId('pool', 9),
  name: 'golden',
  place: { kind: 'local', directory },
  secrets: isEncrypted ? { passphrase } : {},
});

export async function createLocalPool(directory: string, isEncrypted: boolean): Promise<Pool> {
  const access = localAccess(directory, isEncrypted);
  await createPool(access, { nowMs: () => 1_790_000_000_000 });
  return openPool(access);
}

/** A step that nobody cancels. */
export const quietStep: StepContext = {
  runId: tinyIds.runId,
  signal: new AbortController().signal,
  report: () => undefined,
  log: () => undefined,
  limits: () => ({}),
};
