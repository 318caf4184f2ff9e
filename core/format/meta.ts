import type { AttemptId } from '../id.ts';
import type { SetSummary } from '../backup/set-summary.ts';

/** One object of pieces: frames follow each other without gaps. `attempt` names its key and salts its encryption subkey. */
export interface PieceOfSet {
  /** Number within the attempt, from 1. */
  readonly piece: number;
  readonly attempt: AttemptId;
  readonly storedBytes: number;
}

/** One frame: found, checked and decrypted alone. */
export interface FrameOfSet {
  /** Index into the piece list of the set. */
  readonly pieceIndex: number;
  /** Offset of the frame's header in its piece. */
  readonly offset: number;
  /** Header included. */
  readonly storedBytes: number;
  readonly rawBytes: number;
  /** Hex SHA-256 of the stored frame, header included. */
  readonly sha256: string;
}

/** `frame` of an extent whose bytes are all zero and stored nowhere. */
export const zeroFrame = -1;
/** `frame` of an extent whose bytes are those of the base set: same path, same offset in the file. */
export const baseFrame = -2;

/**
 * A run of bytes of one file. Extents of a file follow each other from offset 0; `frame` is an index, `zeroFrame` or
 * `baseFrame`. `hash` is the 128-bit XXH3 of the raw bytes as 32 hex digits ('' where this set stores none).
 */
export interface Extent {
  readonly frame: number;
  /** Offset of the bytes within the raw frame. */
  readonly offset: number;
  readonly length: number;
  readonly hash: string;
}

/** A page whose checksum did not match and that stayed the same over re-reads. Block counts within the relation segment file. */
export interface DamagedPage {
  readonly path: string;
  readonly block: number;
}

/**
 * A member of a set. `path` is relative to the data directory with `/`; members of tablespaces lie under
 * `pg_tblspc/<oid>/…`; configuration that lives outside the data directory has `origin`, its absolute path.
 */
export type MemberOfSet =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly sizeBytes: number;
      readonly mtimeMs: number;
      readonly extents: readonly Extent[];
      readonly origin?: string;
    };

export type FileOfSet = Extract<MemberOfSet, { kind: 'file' }>;

/** All of a set's metadata in memory. On disk it is NDJSON, docs/format.md §5. Log inside the set is members `pg_wal/<segment>`. */
export interface SetMeta {
  readonly summary: SetSummary;
  readonly pieces: readonly PieceOfSet[];
  readonly frames: readonly FrameOfSet[];
  readonly members: readonly MemberOfSet[];
  readonly damagedPages: readonly DamagedPage[];
}

/**
 * The same of a set that is to be committed. Members are looked at one after the other, several times over, and may be made anew each
 * time: a set may have millions, and as objects all of them would need more memory than the rest of a backup.
 */
export interface SetToCommit extends Omit<SetMeta, 'members'> {
  readonly members: Iterable<MemberOfSet>;
}

/** Lists one after the other, each time they are looked at. */
export const oneAfterTheOther = <T>(...lists: readonly Iterable<T>[]): Iterable<T> => ({
  *[Symbol.iterator]() {
    for (const list of lists) yield* list;
  },
});
