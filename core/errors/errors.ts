import { careErrors } from './registry/care.ts';
import { chainErrors } from './registry/chain.ts';
import { controlErrors } from './registry/control.ts';
import { copyErrors } from './registry/copy.ts';
import { databaseErrors } from './registry/database.ts';
import { engineErrors } from './registry/engine.ts';
import { inputErrors } from './registry/input.ts';
import { platformErrors } from './registry/platform.ts';
import { poolErrors } from './registry/pool.ts';
import { restoreErrors } from './registry/restore.ts';
import { runErrors } from './registry/run.ts';
import { setErrors } from './registry/sets.ts';
import { walErrors } from './registry/wal.ts';

/** The one registry: every error the product can report (design §3, style §3.7). Codes are durable names. */
export const errors = {
  ...inputErrors,
  ...careErrors,
  ...chainErrors,
  ...controlErrors,
  ...copyErrors,
  ...databaseErrors,
  ...engineErrors,
  ...platformErrors,
  ...poolErrors,
  ...restoreErrors,
  ...runErrors,
  ...setErrors,
  ...walErrors,
} as const;

export type ErrorCode = keyof typeof errors;
type ParamsOf<M extends string> = M extends `${string}{${infer P}}${infer R}` ? P | ParamsOf<R> : never;
/** The parameters of a code are the `{placeholders}` of its message and hint: a missing one does not compile. */
export type ErrorParams<C extends ErrorCode> = Record<
  ParamsOf<(typeof errors)[C]['message']> | ParamsOf<(typeof errors)[C]['hint']>,
  string
>;
