import { z } from 'zod';

/** Option of commands about one set: copies of it may lie in other pools, each with its own marks and verification. */
export const poolOption = { '--pool <pool>': 'the set as it lies in this pool; absent: where it was known first' };
export const poolShape = { pool: z.string().optional() };

/** The query of a path that asks for a set in a pool. */
export const inPool = (pool: string | undefined): string =>
  pool === undefined ? '' : `?pool=${encodeURIComponent(pool)}`;
