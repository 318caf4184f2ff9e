import { fail } from '#core/errors/fail.ts';
import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { Extent, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import { setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { PageMemory } from '../wasm/page-memory.ts';
import { openPageMemory } from '../wasm/page-memory.ts';
import { readSetKeys } from './begin-set.ts';
import type { OpenSet } from './open-set.ts';
import { openSet } from './open-set.ts';
import type { Damage } from './piece-damage.ts';
import { findingOf, pieceDamage } from './piece-damage.ts';
import { extentBytes, keyOfPiece, openFrameOfSet } from './read-frame.ts';
import type { SetKeys } from './set-keys.ts';

interface Piece {
  readonly piece: PieceOfSet;
  readonly frames: { readonly frame: FrameOfSet; readonly extents: Extent[] }[];
}

/** A set of the chain with what of it is needed. */
interface Part {
  readonly set: OpenSet;
  readonly pieces: readonly Piece[];
}

/** Pieces with their frames and the extents that must match in each; of a base only frames that are `needed`. */
function piecesOf({ meta }: OpenSet, needed?: ReadonlySet<number>): readonly Piece[] {
  const pieces = meta.pieces.map((piece): Piece => ({ piece, frames: [] }));
  const frames = meta.frames.map((frame) => ({ frame, extents: new Array<Extent>() }));
  for (const [index, entry] of frames.entries())
    if (needed?.has(index) !== false) pieces[entry.frame.pieceIndex]?.frames.push(entry);
  for (const member of meta.members) {
    if (member.kind === 'file') for (const extent of member.extents) frames[extent.frame]?.extents.push(extent);
  }
  return needed === undefined ? pieces : pieces.filter((piece) => piece.frames.length > 0);
}

/** The newest set whole, and of the sets below it the frames that a restore of the newest reads. */
function partsOf(chain: readonly OpenSet[]): readonly Part[] {
  const files = chain.map(({ meta }) => filesOf(meta));
  const needed = chain.map(() => new Set<number>());
  for (const path of chain.length > 1 ? (files[0]?.keys() ?? []) : [])
    for (const { depth, extent } of neededExtents(files, path)) needed[depth]?.add(extent.frame);
  return chain.map((set, depth) => ({ set, pieces: piecesOf(set, depth === 0 ? undefined : needed[depth]) }));
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

/** Pieces of wrong size, by their metadata alone; then reads every piece but those, when it is asked to. */
class Verification {
  readonly damage: Damage[] = [];
  objects = 0;
  bytes = 0;
  readonly #pool: Pool;
  readonly #step: StepContext;
  readonly #memory = openPageMemory(pageBytes);
  #bytesTotal = 0;
  #piecesDone = 0;

  constructor(pool: Pool, step: StepContext) {
    this.#pool = pool;
    this.#step = step;
  }

  async run(parts: readonly Part[], depth: 'quick' | 'full'): Promise<void> {
    const wrong = new Set<string>();
    for (const { set, pieces } of parts) {
      const found = await pieceDamage(
        this.#pool,
        set,
        pieces.map(({ piece }) => piece),
      );
      for (const { object } of found) wrong.add(object);
      this.damage.push(...found);
      this.objects += pieces.length;
      this.#bytesTotal += pieces.reduce((sum, { piece }) => sum + piece.storedBytes, 0);
    }
    if (depth === 'full') for (const part of parts) await this.#readAll(part, wrong);
  }

  async #readAll({ set, pieces }: Part, wrong: ReadonlySet<string>): Promise<void> {
    const checking = { keys: set.keys, memory: this.#memory };
    for (const entry of pieces) {
      if (this.#step.signal.aborted) throw fail('cancelled', { what: `Verifying ${set.keys.setId}` });
      if (!wrong.has(keyOfPiece(set.keys, entry.piece)))
        this.damage.push(...(await checkPiece(this.#pool, checking, entry)));
      this.bytes += entry.piece.storedBytes;
      const done = { bytesRead: this.bytes, bytesTotal: this.#bytesTotal, piecesDone: ++this.#piecesDone };
      this.#step.report({ ...noProgress, phase: 'verify', ...done });
    }
  }
}

/** Start and meta of one set, in bytes; what is wrong with its start is pushed to `damage`. */
async function checkStart(pool: Pool, setId: SetId, damage: Damage[]): Promise<number> {
  try {
    await readSetKeys(pool, setId);
  } catch (error) {
    damage.push(findingOf(setStartKey(setId), error));
  }
  const sizes = await Promise.all([setStartKey(setId), setMetaKey(setId)].map((key) => pool.store.head(key)));
  return sizes.reduce((sum, info) => sum + (info?.sizeBytes ?? 0), 0);
}

/** The chain as far as it can be opened; what cannot is pushed to `damage`. */
async function openWhatIsThere(pool: Pool, setId: SetId, damage: Damage[]): Promise<readonly OpenSet[]> {
  const chain: OpenSet[] = [];
  let next: SetId = setId;
  try {
    for (let set: OpenSet | undefined = await openSet(pool, setId); set !== undefined; set = await set.openBase()) {
      chain.push(set);
      next = set.meta.summary.base?.setId ?? next;
    }
  } catch (error) {
    damage.push(findingOf(setMetaKey(next), error));
  }
  return chain;
}

/**
 * Verifies a committed set and what it needs of the sets it builds on. `quick` checks start, meta and the size of every
 * piece; `full` reads every stored byte: SHA-256 of each frame, decryption, decompression and the hash of each extent.
 * Damage is reported, not thrown; each finding begins with its registered code. `sets` names what was looked at, the set
 * first. Throws `set_not_committed`, `pool_unreachable`, `cancelled`.
 */
export async function verifySet(
  pool: Pool,
  setId: SetId,
  depth: 'quick' | 'full',
  step: StepContext,
): Promise<VerifyReport> {
  const ofStart: Damage[] = [];
  const broken: Damage[] = [];
  const chain = await openWhatIsThere(pool, setId, broken);
  const ids = chain.length === 0 ? [setId] : chain.map(({ keys }) => keys.setId);
  let small = 0;
  for (const id of ids) small += await checkStart(pool, id, ofStart);
  const verification = new Verification(pool, step);
  await verification.run(broken.length === 0 ? partsOf(chain) : partsOf(chain.slice(0, 1)), depth);
  const starts = ofStart.filter(({ object }) => !broken.some((found) => found.object === object));
  return {
    sets: ids,
    objects: 2 * ids.length + verification.objects,
    bytes: small + verification.bytes,
    damage: [...broken, ...starts, ...verification.damage],
  };
}
