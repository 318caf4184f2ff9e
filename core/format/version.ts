/**
 * Versions of the pool format (docs/format.md §1 has the same table; a test compares them). A program reads every
 * version from `readable` on and writes `written`; it refuses to write into a pool whose `written` is newer.
 */
export const formatVersions = {
  /** `holdfast.json`. */
  pool: { written: 1, readable: 1 },
  /** Later keys of the pool. */
  keys: { written: 1, readable: 1 },
  /** Frames in pieces and in sealed objects. */
  frame: { written: 1, readable: 1 },
  /** Sealed objects: `start`, `meta`, log segments, batches. */
  object: { written: 1, readable: 1 },
  /** Lines of `meta`: 2 knows extents of a base set. */
  meta: { written: 2, readable: 1 },
  /** Lines of the `meta` of a logical set. */
  logical: { written: 1, readable: 1 },
  /** Lines of the block references of a batch. */
  references: { written: 1, readable: 1 },
} as const;
