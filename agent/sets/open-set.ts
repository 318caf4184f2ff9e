import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { FileOfSet, FrameOfSet, PieceOfSet, SetMeta } from '#core/format/meta.ts';
import { baseFrame } from '#core/format/meta.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { Pool } from '../pools/open-pool.ts';
import { openBaseOf } from './base-of-set.ts';
import { extentBytes, keyOfPiece, openFrameOfSet } from './read-frame.ts';
import type { SetKeys } from './set-keys.ts';
import { openMeta } from './set-meta.ts';
import { readSetKeys } from './begin-set.ts';

/** A committed set, opened for reading. The pool stays the caller's. */
export interface OpenSet {
  readonly meta: SetMeta;
  readonly keys: SetKeys;
  /** Hex SHA-256 of the stored `meta`: what an incremental names its base by. */
  readonly metaSha256: string;
  /** The set that this one builds on, opened once; undefined of a full. Throws `set_base_missing`, `set_base_damaged`. */
  openBase(): Promise<OpenSet | undefined>;
  /** Raw bytes of a frame, checked by SHA-256 before it is opened. Throws `object_missing`, `object_short`, `object_damaged`. */
  readFrame(index: number): Promise<Uint8Array>;
  /**
   * Content of a file of the set, every extent checked by its 128-bit hash, what lies in a base from there. In memory: for
   * small files, or their first `length` bytes. Throws `set_member_unknown`.
   */
  readMember(path: string, length?: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

type ReadMeta = Pick<OpenSet, 'keys' | 'meta' | 'metaSha256'>;

async function readMeta(pool: Pool, setId: SetId): Promise<ReadMeta> {
  const stored = await pool.store.get(setMetaKey(setId)).catch((error: unknown) => {
    const isAbsent = error instanceof HoldfastError && error.code === 'object_missing';
    throw isAbsent ? fail('set_not_committed', { pool: pool.name, set: setId }, error) : error;
  });
  // A plain set opens by its meta alone.
  const keys = pool.key === undefined ? { poolId: pool.id, setId } : await readSetKeys(pool, setId);
  return { keys, meta: openMeta(keys, stored), metaSha256: sha256Hex(stored) };
}

/** Frame and piece by index. Indices of an opened meta were checked. */
export function placeOfFrame(meta: SetMeta, index: number): { readonly frame: FrameOfSet; readonly piece: PieceOfSet } {
  const frame = meta.frames[index];
  const piece = frame === undefined ? undefined : meta.pieces[frame.pieceIndex];
  if (frame === undefined || piece === undefined)
    throw bug(`frame ${String(index)} of set ${meta.summary.setId} does not exist`);
  return { frame, piece };
}

async function readFile(
  set: Pick<OpenSet, 'keys' | 'meta' | 'readFrame' | 'openBase'>,
  file: FileOfSet,
  length = file.sizeBytes,
): Promise<Uint8Array> {
  const body = Buffer.alloc(file.sizeBytes);
  let fromBase: Uint8Array | undefined;
  let at = 0;
  for (const extent of file.extents) {
    if (at >= length) break;
    if (extent.frame === baseFrame) {
      fromBase ??= await (await set.openBase())?.readMember(file.path);
      if (fromBase === undefined) throw bug(`set ${set.meta.summary.setId} has no base`);
      body.set(fromBase.subarray(at, at + extent.length), at);
    } else if (extent.frame >= 0) {
      const { piece } = placeOfFrame(set.meta, extent.frame);
      body.set(extentBytes(set.keys, piece, { raw: await set.readFrame(extent.frame), extent }), at);
    }
    at += extent.length;
  }
  return body.subarray(0, length);
}

/**
 * Opens a committed set. Throws `set_not_committed`, `object_damaged`, `object_missing` (start of an encrypted set),
 * `pool_format_newer`, `pool_unreachable`.
 */
export async function openSet(pool: Pool, setId: SetId): Promise<OpenSet> {
  const read = await readMeta(pool, setId);
  const { keys, meta } = read;
  // Many small files share a frame: the last one stays open.
  let last: { readonly index: number; readonly raw: Promise<Uint8Array> } | undefined;
  const fetchFrame = async (index: number): Promise<Uint8Array> => {
    const place = placeOfFrame(meta, index);
    const range = { from: place.frame.offset, length: place.frame.storedBytes };
    return openFrameOfSet(keys, place, await pool.store.get(keyOfPiece(keys, place.piece), range));
  };
  const readFrame = (index: number): Promise<Uint8Array> => {
    if (last?.index !== index) last = { index, raw: fetchFrame(index) };
    return last.raw;
  };
  let base: Promise<OpenSet | undefined> | undefined;
  const openBase = (): Promise<OpenSet | undefined> => (base ??= openBaseOf(pool, meta, (id) => openSet(pool, id)));
  return {
    ...read,
    readFrame,
    openBase,
    readMember(path, length) {
      // Not by a map of all files, which may be millions: few of them are read this way.
      const file = meta.members.find((member) => member.path === path);
      if (file?.kind !== 'file') throw fail('set_member_unknown', { set: setId, path });
      return readFile({ keys, meta, readFrame, openBase }, file, length);
    },
    close: () => Promise.resolve(),
  };
}
