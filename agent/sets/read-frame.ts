import { fail } from '#core/errors/fail.ts';
import type { Extent, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { pieceKey } from '#core/format/object-key.ts';
import { openFrame } from '../codec/frame.ts';
import { hash128, sha256Hex } from '../codec/hash.ts';
import type { SetKeys } from './set-keys.ts';
import { frameLockOf } from './set-keys.ts';

/** Key of a piece of a committed set: pieces of earlier attempts keep their own names. */
export const keyOfPiece = (keys: SetKeys, piece: PieceOfSet): ObjectKey =>
  pieceKey(keys.setId, piece.attempt, piece.piece);

/** Where a stored frame comes from. */
export interface FramePlaceInSet {
  readonly piece: PieceOfSet;
  readonly frame: FrameOfSet;
}

/**
 * Checks and opens the stored bytes of one frame: SHA-256, then authentication and decompression; into `room` when it is
 * given and large enough. Synchronous, for worker threads too. Throws `object_damaged`, `pool_format_newer`.
 */
export function openFrameOfSet(
  keys: SetKeys,
  { piece, frame }: FramePlaceInSet,
  stored: Uint8Array,
  room?: Uint8Array,
): Uint8Array {
  const object = keyOfPiece(keys, piece);
  const damaged = (what: string) =>
    fail('object_damaged', { pool: keys.poolId, object, what: `${what} at offset ${String(frame.offset)}` });
  if (stored.length !== frame.storedBytes) throw damaged('a frame has not its recorded length');
  if (sha256Hex(stored) !== frame.sha256) throw damaged('the SHA-256 does not match that of the frame');
  const raw = openFrame(stored, frameLockOf(keys, piece.attempt, object, frame.offset), room);
  if (raw.length !== frame.rawBytes) throw damaged('a frame has not its recorded raw length');
  return raw;
}

/** What of an opened frame is wanted, and how its hash is computed. */
export interface ExtentOfFrame {
  readonly raw: Uint8Array;
  readonly extent: Extent;
  /** `hashOf` of the page memory that holds `raw`; by default the library's, which is slower. */
  readonly hashOf?: (bytes: Uint8Array) => string;
}

/** The bytes of an extent within its opened frame, checked by their 128-bit hash. Throws `object_damaged`. */
export function extentBytes(
  keys: SetKeys,
  piece: PieceOfSet,
  { raw, extent, hashOf = hash128 }: ExtentOfFrame,
): Uint8Array {
  const bytes = raw.subarray(extent.offset, extent.offset + extent.length);
  if (hashOf(bytes) === extent.hash) return bytes;
  const what = `the raw bytes of frame ${String(extent.frame)} at ${String(extent.offset)} do not match their hash`;
  throw fail('object_damaged', { pool: keys.poolId, object: keyOfPiece(keys, piece), what });
}
