import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Extent, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import { setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { PageMemory } from '../wasm/page-memory.ts';
import { openPageMemory } from '../wasm/page-memory.ts';
import { sizesOf } from './commit-backup-set.ts';
import type { OpenSet } from './open-set.ts';
import { openSet } from './open-set.ts';
import { extentBytes, keyOfPiece, openFrameOfSet } from './read-frame.ts';
import { readSetKeys } from './begin-set.ts';
import type { SetKeys } from './set-keys.ts';

type Damage = VerifyReport['damage'][number];

interface Piece {
  readonly piece: PieceOfSet;
  readonly frames: { readonly frame: FrameOfSet; readonly extents: Extent[] }[];
}

const isAboutThePool = (error: HoldfastError): boolean => error.class === 'corrupt';

/** Damage is a finding; an unreachable pool is an error of the run. */
function findingOf(object: string, error: unknown): Damage {
  if (!(error instanceof HoldfastError) || !isAboutThePool(error)) throw error;
  return { object: error.params['object'] ?? object, what: `${error.code}: ${error.message}` };
}

/** Pieces with their frames and the extents that must match in each. */
function piecesOf({ meta }: OpenSet): readonly Piece[] {
  const pieces = meta.pieces.map((piece): Piece => ({ piece, frames: [] }));
  const frames = meta.frames.map((frame) => ({ frame, extents: new Array<Extent>() }));
  for (const entry of frames) pieces[entry.frame.pieceIndex]?.frames.push(entry);
  for (const member of meta.members) {
    if (member.kind === 'file') for (const extent of member.extents) frames[extent.frame]?.extents.push(extent);
  }
  return pieces;
}

interface Checking {
  readonly keys: SetKeys;
  /** Frames are unpacked and hashed here, one after the other. */
  readonly memory: PageMemory;
}

/** Of no meaning here: hashes of extents are checked, not pages. */
const pageBytes = 8192;

/** Frames of a piece in the order they lie: each is checked alone so that one flipped byte costs one finding. */
function checkFrames({ keys, memory }: Checking, { piece, frames }: Piece, stored: Uint8Array): readonly Damage[] {
  const damage: Damage[] = [];
  const { hashOf } = memory;
  for (const { frame, extents } of frames) {
    try {
      const bytes = stored.subarray(frame.offset, frame.offset + frame.storedBytes);
      const raw = openFrameOfSet(keys, { piece, frame }, bytes, memory.bytes);
      for (const extent of extents) extentBytes(keys, piece, { raw, extent, hashOf });
    } catch (error) {
      damage.push(findingOf(keyOfPiece(keys, piece), error));
    }
  }
  return damage;
}

async function checkPiece(pool: Pool, checking: Checking, entry: Piece): Promise<readonly Damage[]> {
  const key = keyOfPiece(checking.keys, entry.piece);
  try {
    return checkFrames(checking, entry, await pool.store.get(key));
  } catch (error) {
    return [findingOf(key, error)];
  }
}

function sizeError(pool: Pool, object: string, found: number | undefined, expected: number): HoldfastError {
  const params = { pool: pool.name, object };
  if (found === undefined) return fail('object_missing', params);
  if (found < expected) return fail('object_short', { ...params, found: String(found), expected: String(expected) });
  return fail('object_damaged', {
    ...params,
    what: `it has ${String(found)} bytes where ${String(expected)} are recorded`,
  });
}

/** Pieces that are gone or have another size than recorded. */
function sizeDamage(pool: Pool, set: OpenSet, sizes: ReadonlyMap<string, number>): readonly Damage[] {
  return set.meta.pieces.flatMap((piece) => {
    const object = keyOfPiece(set.keys, piece);
    const found = sizes.get(object);
    return found === piece.storedBytes ? [] : [findingOf(object, sizeError(pool, object, found, piece.storedBytes))];
  });
}

/** Reads every piece but those that were found wrong already. */
async function checkEveryByte(
  pool: Pool,
  set: OpenSet,
  step: StepContext,
  wrong: ReadonlySet<string>,
): Promise<readonly Damage[]> {
  const bytesTotal = set.meta.summary.storedBytes;
  const damage: Damage[] = [];
  let bytesRead = 0;
  let piecesDone = 0;
  const checking = { keys: set.keys, memory: openPageMemory(pageBytes) };
  for (const entry of piecesOf(set)) {
    if (step.signal.aborted) throw fail('cancelled', { what: `Verifying ${set.keys.setId}` });
    if (!wrong.has(keyOfPiece(set.keys, entry.piece))) damage.push(...(await checkPiece(pool, checking, entry)));
    bytesRead += entry.piece.storedBytes;
    step.report({ ...noProgress, phase: 'verify', bytesRead, bytesTotal, piecesDone: ++piecesDone });
  }
  return damage;
}

async function checkStart(pool: Pool, setId: SetId): Promise<readonly Damage[]> {
  try {
    await readSetKeys(pool, setId);
    return [];
  } catch (error) {
    return [findingOf(setStartKey(setId), error)];
  }
}

async function openOrFind(pool: Pool, setId: SetId): Promise<OpenSet | Damage> {
  try {
    return await openSet(pool, setId);
  } catch (error) {
    return findingOf(setMetaKey(setId), error);
  }
}

/**
 * Verifies a committed set. `quick` checks start, meta and the size of every piece; `full` reads every stored byte:
 * SHA-256 of each frame, decryption, decompression and the hash of each extent. Damage is reported, not thrown; each
 * finding begins with its registered code. Throws `set_not_committed`, `pool_unreachable`, `cancelled`.
 */
export async function verifySet(
  pool: Pool,
  setId: SetId,
  depth: 'quick' | 'full',
  step: StepContext,
): Promise<VerifyReport> {
  const startDamage = await checkStart(pool, setId);
  const set = await openOrFind(pool, setId);
  if ('what' in set)
    return { objects: 2, bytes: 0, damage: [set, ...startDamage.filter(({ object }) => object !== set.object)] };
  const sizes = await sizesOf(pool, setId);
  const wrong = sizeDamage(pool, set, sizes);
  const wrongObjects = new Set(wrong.map(({ object }) => object));
  const found = depth === 'quick' ? [] : await checkEveryByte(pool, set, step, wrongObjects);
  const damage = [...startDamage, ...wrong, ...found];
  const small = (sizes.get(setStartKey(setId)) ?? 0) + (sizes.get(setMetaKey(setId)) ?? 0);
  return {
    objects: set.meta.pieces.length + 2,
    bytes: small + (depth === 'full' ? set.meta.summary.storedBytes : 0),
    damage,
  };
}
