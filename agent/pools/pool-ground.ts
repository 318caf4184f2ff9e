/** What creating a pool needs beyond the object port. */
export interface PoolGround {
  /** Makes the directory or bucket where that is possible. */
  prepare(): Promise<void>;
  /** False when the directory or bucket itself is absent. */
  isThere(): Promise<boolean>;
  /** True when nothing of anybody lies there. */
  isEmpty(): Promise<boolean>;
}
