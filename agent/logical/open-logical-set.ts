import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { logicalMetaKey, logicalPieceKey, logicalStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { FrameOfStream, LogicalMeta, LogicalStream } from '#core/logical/meta.ts';
import type { LogicalReader } from '#core/logical/reader.ts';
import type { LogicalSetSummary } from '#core/logical/set-summary.ts';
import { openFrame } from '#agent/codec/frame.ts';
import { hash128, sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { readSetKeys } from '#agent/sets/begin-set.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { frameLockOf } from '#agent/sets/set-keys.ts';
import { openLogicalMeta } from './logical-meta.ts';

/** Frames that lie behind each other in a piece are fetched together up to this many bytes. */
const fetchBytes = 8 * 1024 * 1024;

const keysOf = (pool: Pool, setId: SetId): Promise<SetKeys> =>
  // A plain set opens by its meta alone.
  pool.key === undefined
    ? Promise.resolve({ poolId: pool.id, setId })
    : readSetKeys(pool, setId, logicalStartKey(setId));

/**
 * Opens a committed logical set. Throws `logical_set_not_committed`, `object_damaged`, `object_missing` (start of an encrypted
 * set), `pool_format_newer`, `pool_unreachable`.
 */
export async function openLogicalSet(pool: Pool, setId: SetId): Promise<LogicalReader> {
  const stored = await pool.store.get(logicalMetaKey(setId)).catch((error: unknown) => {
    const isAbsent = error instanceof HoldfastError && error.code === 'object_missing';
    throw isAbsent ? fail('logical_set_not_committed', { pool: pool.name, set: setId }, error) : error;
  });
  const keys = await keysOf(pool, setId);
  const meta = openLogicalMeta(keys, stored);
  return { meta, read: (stream) => readStream({ pool, keys, meta }, stream) };
}

/** The summary of a set that is committed, put on stable storage once more; undefined when it is not. */
export async function committedLogicalSummary(pool: Pool, setId: SetId): Promise<LogicalSetSummary | undefined> {
  const key = logicalMetaKey(setId);
  if ((await pool.store.head(key)) === undefined) return undefined;
  await pool.store.secure(key);
  return openLogicalMeta(await keysOf(pool, setId), await pool.store.get(key)).summary;
}

interface Reading {
  readonly pool: Pool;
  readonly keys: SetKeys;
  readonly meta: LogicalMeta;
}

async function* readStream(reading: Reading, { frames }: LogicalStream): AsyncIterable<Uint8Array> {
  for (let at = 0; at < frames.length;) {
    const together = neighbours(frames, at);
    const [first] = together;
    if (first === undefined) throw bug('a stream has no frame where one should be');
    const length = together.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    const key = pieceKeyOf(reading, first);
    const stored = await reading.pool.store.get(key, { from: first.offset, length });
    for (const frame of together) {
      const from = frame.offset - first.offset;
      yield openOne(reading, frame, stored.subarray(from, from + frame.storedBytes));
    }
    at += together.length;
  }
}

/** Frames from `at` on that lie one behind the other. */
function neighbours(frames: readonly FrameOfStream[], at: number): readonly FrameOfStream[] {
  const found: FrameOfStream[] = [];
  let bytes = 0;
  for (const frame of frames.slice(at, at + 64)) {
    const last = found[found.length - 1];
    const isBehind =
      last === undefined || (last.pieceIndex === frame.pieceIndex && last.offset + last.storedBytes === frame.offset);
    if (!isBehind || (last !== undefined && bytes + frame.storedBytes > fetchBytes)) break;
    found.push(frame);
    bytes += frame.storedBytes;
  }
  return found;
}

const pieceOf = ({ meta }: Reading, { pieceIndex }: FrameOfStream) => {
  const piece = meta.pieces[pieceIndex];
  if (piece === undefined) throw bug(`piece ${String(pieceIndex)} of set ${meta.summary.setId} does not exist`);
  return piece;
};

const pieceKeyOf = (reading: Reading, frame: FrameOfStream) => {
  const { attempt, piece } = pieceOf(reading, frame);
  return logicalPieceKey(reading.keys.setId, attempt, piece);
};

/** SHA-256 of the stored frame, then authentication and decompression, then the hash of the raw bytes. */
function openOne(reading: Reading, frame: FrameOfStream, stored: Uint8Array): Uint8Array {
  const object = pieceKeyOf(reading, frame);
  const damaged = (what: string) =>
    fail('object_damaged', { pool: reading.keys.poolId, object, what: `${what} at offset ${String(frame.offset)}` });
  if (sha256Hex(stored) !== frame.sha256) throw damaged('the SHA-256 does not match that of the frame');
  const raw = openFrame(stored, frameLockOf(reading.keys, pieceOf(reading, frame).attempt, object, frame.offset));
  if (raw.length !== frame.rawBytes) throw damaged('a frame has not its recorded raw length');
  if (hash128(raw) !== frame.hash) throw damaged('the raw bytes do not match their hash');
  return raw;
}
