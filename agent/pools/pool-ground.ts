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
}
