import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { StepContext } from '#core/ports/step.ts';

const lookEveryMs = 200;

type Held = Pick<StepContext, 'signal' | 'limits'>;

/** Waits while a step is paused; heartbeats go on. Throws `cancelled` at once when it is aborted. */
export async function demandGoing(step: Held): Promise<void> {
  while (step.limits().isPaused === true && !step.signal.aborted)
    await sleep(lookEveryMs, undefined, { signal: step.signal }).catch(() => undefined);
  if (step.signal.aborted) throw fail('cancelled', { what: 'The work in the pool' });
}

/** Decorator: a paused step looks at nothing and removes nothing. What is cleaned up after an abort is not held. */
export function withPause(store: ObjectStore, step: Held): ObjectStore {
  const going = async (): Promise<void> => {
    if (!step.signal.aborted) await demandGoing(step);
  };
  return {
    ...store,
    async head(key) {
      await going();
      return store.head(key);
    },
    async *list(prefix) {
      await going();
      for await (const info of store.list(prefix)) {
        yield info;
        await going();
      }
    },
    async remove(keys) {
      await going();
      return store.remove(keys);
    },
  };
}
