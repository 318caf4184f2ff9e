import { fail } from '#core/errors/fail.ts';
import type { FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { resealFrameInto } from '../codec/frame.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { Pool } from '../pools/open-pool.ts';
import { keyOfPiece } from '../sets/read-frame.ts';
import type { SetKeys } from '../sets/set-keys.ts';
import { frameLockOf } from '../sets/set-keys.ts';

/** Length of the tag of an encrypted frame (docs/format.md §3). */
const tagBytes = 16;

/** One piece of a set with those of its frames that the set names, in the order in which they lie. */
export interface PieceToCarry {
  readonly piece: PieceOfSet;
  readonly frames: readonly { readonly index: number; readonly frame: FrameOfSet }[];
}

/** The two ends of a copy of one set. Every set has a data key of its own in each encrypted pool. */
export interface BothKeys {
  readonly from: SetKeys;
  readonly to: SetKeys;
}

/** A piece as the target holds it. */
export interface CarriedPiece {
  readonly key: ObjectKey;
  readonly body: Uint8Array;
  readonly frames: readonly { readonly index: number; readonly frame: FrameOfSet }[];
}

/** Between two plain pools nothing names the pool: pieces are copied byte for byte. */
const isVerbatim = ({ from, to }: BothKeys): boolean => from.dataKey === undefined && to.dataKey === undefined;

const growth = ({ from, to }: BothKeys): number =>
  (to.dataKey === undefined ? 0 : tagBytes) - (from.dataKey === undefined ? 0 : tagBytes);

/** Stored bytes of a piece in the target: known before anything is read. */
export const bytesInTarget = (keys: BothKeys, { piece, frames }: PieceToCarry): number =>
  isVerbatim(keys) ? piece.storedBytes : frames.reduce((sum, { frame }) => sum + frame.storedBytes + growth(keys), 0);

/**
 * Reads a piece, checks every frame by its SHA-256 (and its authentication tag) and seals it for its place in the target:
 * the payload stays compressed as it is. Always the same bytes for the same set and data key: the counter of a frame is its
 * index in the set, so that no nonce repeats under a key, whoever wrote the source. Throws `object_damaged`, `object_missing`.
 */
export async function carryPiece(from: Pool, keys: BothKeys, entry: PieceToCarry): Promise<CarriedPiece> {
  const { piece } = entry;
  const key = keyOfPiece(keys.to, piece);
  const stored = await from.store.get(keyOfPiece(keys.from, piece));
  if (!isVerbatim(keys)) return { key, ...resealed(from, keys, { entry, stored }) };
  for (const { frame } of entry.frames) checkedFrame(from, { key, frame, stored });
  if (stored.length !== piece.storedBytes)
    throw fail('object_damaged', {
      ...{ pool: from.name, object: key },
      what: `it has ${String(stored.length)} bytes where ${String(piece.storedBytes)} are recorded`,
    });
  return { key, body: stored, frames: entry.frames };
}

interface StoredFrame {
  readonly key: ObjectKey;
  readonly frame: FrameOfSet;
  readonly stored: Uint8Array;
}

/** The bytes of a frame, proven to be those that its set names. */
function checkedFrame(from: Pool, { key, frame, stored }: StoredFrame): Uint8Array {
  const bytes = stored.subarray(frame.offset, frame.offset + frame.storedBytes);
  if (bytes.length === frame.storedBytes && sha256Hex(bytes) === frame.sha256) return bytes;
  const what = `the SHA-256 does not match that of the frame at offset ${String(frame.offset)}`;
  throw fail('object_damaged', { pool: from.name, object: key, what });
}

function resealed(
  from: Pool,
  keys: BothKeys,
  { entry, stored }: { readonly entry: PieceToCarry; readonly stored: Uint8Array },
): Omit<CarriedPiece, 'key'> {
  const { attempt } = entry.piece;
  const object = keyOfPiece(keys.to, entry.piece);
  // Room for a tag on each: a frame that loses its own needs less than it had.
  const room = entry.frames.reduce((sum, { frame }) => sum + frame.storedBytes + tagBytes, 0);
  const body = new Uint8Array(room);
  const frames: { readonly index: number; readonly frame: FrameOfSet }[] = [];
  let at = 0;
  for (const { index, frame } of entry.frames) {
    const bytes = checkedFrame(from, { key: object, frame, stored });
    const lock = frameLockOf(keys.from, attempt, object, frame.offset);
    const seal = { ...frameLockOf(keys.to, attempt, object, at), level: 0, channel: 0, counter: index };
    const storedBytes = resealFrameInto(body.subarray(at), bytes, lock, seal);
    const sha256 = sha256Hex(body.subarray(at, at + storedBytes));
    frames.push({ index, frame: { ...frame, offset: at, storedBytes, sha256 } });
    at += storedBytes;
  }
  return { body: body.subarray(0, at), frames };
}
