import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';

/** Throws the registered error for a step that was ended: a lost session says so itself, everything else is `cancelled`. */
export function throwIfEnded(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const { reason } = signal as { readonly reason: unknown };
  throw reason instanceof HoldfastError ? reason : fail('cancelled', { what: 'the backup' }, reason);
}
