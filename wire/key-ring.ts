import type { PayloadKey } from './payload-key.ts';

/** The payload keys that a process holds: one seals, all open, and one that it does not know yet may be asked for. */
export interface KeyRing {
  active(): PayloadKey;
  /** Undefined when nobody knows the key. */
  find(id: string): Promise<PayloadKey | undefined>;
}

/** Keys as a process that asks nobody holds them. */
export function fixedRing(active: PayloadKey, older: readonly PayloadKey[] = []): KeyRing {
  const keys = new Map([active, ...older].map((key) => [key.id, key]));
  return { active: () => active, find: (id) => Promise.resolve(keys.get(id)) };
}
