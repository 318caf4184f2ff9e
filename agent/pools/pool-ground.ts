import type { OldTemporaries } from './local-temporaries.ts';

/** What creating a pool needs beyond the object port. */
export interface PoolGround {
  /** Makes the directory or bucket where that is possible. */
  prepare(): Promise<void>;
  /** False when the directory or bucket itself is absent. */
  isThere(): Promise<boolean>;
  /** True when nothing of anybody lies there. */
  isEmpty(): Promise<boolean>;
  /** Why a deleted object still takes room (object lock, versions), in words; undefined when it does not, or nobody can say. */
  keepsDeleted(): Promise<string | undefined>;
  /** Half-written files that killed writers left; removed unless it is a dry run. A bucket has none. */
  collectTemporaries(old: OldTemporaries): Promise<{ readonly objects: number; readonly bytes: number }>;
}
