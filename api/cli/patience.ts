import { HoldfastError } from '#core/errors/holdfast-error.ts';

/** How long an API that is restarted is waited for: as long as a run bears the loss of its agent by default (K-084). */
export const apiPatienceMs = 600_000;

/** The API, or what it needs, does not answer now and may again. */
export const isAway = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && error.class === 'unavailable';
