import { tellStaleDrills } from '#catalog/drills/stale-drills.ts';
import type { Context } from './context.ts';

const lookEveryMs = 60_000;

/** Raises the alarm of drills that are too old; a look that fails is made again. Returns a function that ends it. */
export function watchDrills({ catalog, log }: Context): () => void {
  let isLooking = false;
  const look = (): void => {
    if (isLooking) return;
    isLooking = true;
    tellStaleDrills(catalog)
      .catch((cause: unknown) => {
        log.warn({ cause: cause instanceof Error ? cause.message : 'no reason given' }, 'stale drills wait');
      })
      .finally(() => {
        isLooking = false;
      });
  };
  look();
  const timer = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(timer);
  };
}
