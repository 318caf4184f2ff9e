import { careErrors } from './registry/care.ts';
import { chainErrors } from './registry/chain.ts';
import { commandErrors } from './registry/command.ts';
import { controlErrors } from './registry/control.ts';
import { copyErrors } from './registry/copy.ts';
import { databaseErrors } from './registry/database.ts';
import { depthErrors } from './registry/depth.ts';
import { drillErrors } from './registry/drill.ts';
import { engineErrors } from './registry/engine.ts';
import { hookErrors } from './registry/hook.ts';
import { inputErrors } from './registry/input.ts';
import { logRestoreErrors } from './registry/log-restore.ts';
import { logicalErrors } from './registry/logical.ts';
import { nameErrors } from './registry/names.ts';
import { noticeErrors } from './registry/notice.ts';
import { offlineErrors } from './registry/offline.ts';
import { planErrors } from './registry/plan.ts';
import { platformErrors } from './registry/platform.ts';
import { poolErrors } from './registry/pool.ts';
import { replicaErrors } from './registry/replica.ts';
import { restoreErrors } from './registry/restore.ts';
import { runErrors } from './registry/run.ts';
import { setErrors } from './registry/sets.ts';
import { temporalErrors } from './registry/temporal.ts';
import { traceErrors } from './registry/trace.ts';
import { transferErrors } from './registry/transfer.ts';
import { verifyErrors } from './registry/verify.ts';
import { standbyErrors } from './registry/standby.ts';
import { streamErrors } from './registry/stream.ts';
import { walErrors } from './registry/wal.ts';

/** The one registry: every error the product can report (design §3, style §3.7). Codes are durable names. */
export const errors = {
  ...inputErrors,
  ...careErrors,
  ...chainErrors,
  ...commandErrors,
  ...controlErrors,
  ...copyErrors,
  ...databaseErrors,
  ...depthErrors,
  ...drillErrors,
  ...engineErrors,
  ...hookErrors,
  ...logRestoreErrors,
  ...logicalErrors,
  ...nameErrors,
  ...noticeErrors,
  ...offlineErrors,
  ...planErrors,
  ...platformErrors,
  ...poolErrors,
  ...replicaErrors,
  ...restoreErrors,
  ...runErrors,
  ...setErrors,
  ...temporalErrors,
  ...traceErrors,
  ...transferErrors,
  ...verifyErrors,
  ...standbyErrors,
  ...streamErrors,
  ...walErrors,
} as const;

export type ErrorCode = keyof typeof errors;
type ParamsOf<M extends string> = M extends `${string}{${infer P}}${infer R}` ? P | ParamsOf<R> : never;
/** The parameters of a code are the `{placeholders}` of its message and hint: a missing one does not compile. */
export type ErrorParams<C extends ErrorCode> = Record<
  ParamsOf<(typeof errors)[C]['message']> | ParamsOf<(typeof errors)[C]['hint']>,
  string
>;
