import { fail } from '#core/errors/fail.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import { verifySet } from '#agent/sets/verify-set.ts';
import type { RestoreWork } from '#agent/restore/restore-work.ts';
import { openReadableChain } from './open-readable-chain.ts';

/** Questions to the pool that are under way together. */
const askedAtOnce = 16;

/**
 * Proves that the pool has all that a restore will write, before it writes over a database that cannot come back: the set and all it
 * builds on can be opened, every needed piece has its size, every planned segment of log is there. The bytes are checked when they are
 * written. Throws `delta_unproven`, `set_head_unreadable`, `set_base_unreadable`, what the pool throws.
 */
export async function proveSource(work: RestoreWork, directory: string): Promise<void> {
  const why = (await damageOfSet(work)) ?? (await missingLog(work));
  if (why !== undefined) throw fail('delta_unproven', { directory, why });
}

async function damageOfSet({ order: { plan }, pool, step }: RestoreWork): Promise<string | undefined> {
  if (plan.ways?.damageConsent !== undefined) {
    // Damage was accepted, but not that nothing can be read at all.
    await openReadableChain(pool, plan);
    return undefined;
  }
  const [found] = (await verifySet(pool, plan.setId, 'quick', step)).damage;
  return found === undefined ? undefined : `${plan.setId} cannot be restored: ${found.what}`;
}

async function missingLog({ order: { plan }, pool, step }: RestoreWork): Promise<string | undefined> {
  for (let at = 0; at < plan.segments.length; at += askedAtOnce) {
    step.signal.throwIfAborted();
    const some = plan.segments.slice(at, at + askedAtOnce);
    const found = await Promise.all(some.map(({ object }) => pool.store.head(parseObjectKey(object))));
    const missing = some.find((_, i) => found[i] === undefined);
    if (missing !== undefined) return `log segment ${missing.name} is not in pool ${pool.name}`;
  }
  return undefined;
}
