import type { AttemptId, PoolId, SetId } from '#core/id.ts';
import type { FrameLock } from '../codec/frame.ts';
import { subkeyOf } from '../codec/keys.ts';

/** What seals and opens the frames of one set. Structured-cloneable: goes to worker threads as it is. */
export interface SetKeys {
  readonly poolId: PoolId;
  readonly setId: SetId;
  /** 32 random bytes, present exactly in encrypted pools. */
  readonly dataKey?: Uint8Array;
}

/** Key of the pieces of one attempt: a new attempt has new nonces by having a new key (docs/format.md §4). */
export const attemptKeyOf = (dataKey: Uint8Array, attempt: AttemptId): Uint8Array =>
  subkeyOf(dataKey, attempt, 'holdfast piece 1');

/** The lock of the frame at `offset` of the piece `object`, which the attempt wrote. Add level, channel and counter to seal with it. */
export function frameLockOf(keys: SetKeys, attempt: AttemptId, object: string, offset: number): FrameLock {
  const place = { pool: keys.poolId, object, offset };
  return keys.dataKey === undefined ? place : { ...place, key: attemptKeyOf(keys.dataKey, attempt) };
}
