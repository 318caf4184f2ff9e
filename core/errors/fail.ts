import type { ErrorCode, ErrorParams } from './errors.ts';
import { HoldfastError } from './holdfast-error.ts';

/** Makes a registered error; `throw fail('pool_full', { pool })`. Unknown codes and missing parameters do not compile. */
export const fail = <C extends ErrorCode>(code: C, params: ErrorParams<C>, cause?: unknown): HoldfastError =>
  new HoldfastError(code, params, cause);

/** For the impossible: a broken invariant of our own code. */
export const bug = (what: string, cause?: unknown): HoldfastError => new HoldfastError('bug', { what }, cause);
