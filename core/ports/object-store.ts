import type { ObjectKey } from '../format/object-key.ts';

export interface ObjectInfo {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
}

/**
 * Why the protection of objects is renewed.
 *
 * `needed`: what is put now builds on them, so theirs MUST end at least a day later. The last object is renewed last; where it
 * was renewed a moment ago, all were, and nothing is done.
 *
 * `own`: an earlier attempt put them, and what is put now names them as its own: theirs MUST NOT end before that of anything
 * which is put within the hour. Each is renewed.
 */
export type RenewedAs = 'needed' | 'own';

/**
 * Where a pool keeps its objects. Objects are written once and never changed; nothing may be concluded from a listing
 * but which objects exist (design §8). One contract suite (`tests/contracts/object-store.ts`) runs on every adapter.
 */
export interface ObjectStore {
  /**
   * True when nobody reads a body any more once its `putIfAbsent` has settled, so that its memory may be used for another.
   * Where it is absent, a put that was given up may still be sending its body.
   */
  readonly isPutAtOnce?: boolean;
  /**
   * Creates an object. MUST be atomic (a reader sees all or nothing) and MUST NOT replace an existing object: identical
   * or not, an existing one answers `exists` and stays as it is. Durable only after `barrier`, unless `isDurablePut`.
   * Throws `pool_unreachable`, `pool_full`.
   */
  putIfAbsent(key: ObjectKey, body: Uint8Array): Promise<'created' | 'exists'>;
  /** Whole object, or the bytes `[from, from + length)`. Throws `object_missing`, `object_short`, `pool_unreachable`. */
  get(key: ObjectKey, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array>;
  /** Size of an object, or undefined when it does not exist. */
  head(key: ObjectKey): Promise<ObjectInfo | undefined>;
  /** Every object below a prefix, in key order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Removes objects; missing ones are fine. Only plans of retention and clean-up call it. */
  remove(keys: readonly ObjectKey[]): Promise<void>;
  /**
   * Returns when everything put or removed through this handle, and the objects of `also` (put by other threads or an
   * earlier process), are on stable storage: fsync of files and directories. Throws `object_missing` when it notices one
   * of `also` missing; a store whose puts are durable need not look.
   *
   * A failure is final for what was put: the system tells of lost bytes once, a second sync would succeed over them. Such
   * objects are taken away again where that is possible, and MUST be put again by whoever needs them.
   */
  barrier(also?: readonly ObjectKey[]): Promise<void>;
  /**
   * Puts an object of an earlier process on stable storage, of which nobody knows whether its barrier failed: a read may
   * be answered from memory, so the same bytes are written once more under its key, unless the disk itself was seen to
   * hold them. A store whose puts are durable does nothing. Throws `object_missing`.
   */
  secure(key: ObjectKey): Promise<void>;
  /**
   * Only of a store that protects its objects against deletion (object lock): renews the protection of objects that are there.
   * Never shortens one, keeps its mode, and is safe to repeat. Throws `pool_unreachable`.
   */
  readonly renewProtection?: (keys: readonly ObjectKey[], as: RenewedAs) => Promise<void>;
  /** Free bytes where that is known (a local pool); undefined where it is not (S3). */
  freeBytes(): Promise<number | undefined>;
  close(): Promise<void>;
}
