import { setImmediate as turn } from 'node:timers/promises';
import { fail } from '#core/errors/fail.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { openLogSegment } from '#agent/sets/log-objects.ts';
import type { Damage } from '#agent/sets/piece-damage.ts';
import { findingOf } from '#agent/sets/piece-damage.ts';
import { extentBytes, keyOfPiece, openFrameOfSet } from '#agent/sets/read-frame.ts';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import type { Check, Checked, FrameCheck, PieceCheck, SegmentCheck } from './check.ts';
import { judgePages } from './judge-pages.ts';

/** Neighbouring frames are fetched together up to this size: what a thread holds of a piece at once. */
const mostAtOnce = 8 * 1_048_576;
const usualPageBytes = 8192;
/** Blocks of one extent that are named one by one. */
const mostNamed = 20;

export interface CheckerParts {
  readonly store: ObjectStore;
  /** Waits for the transfer limit before bytes are fetched; rejects when the work is to stop. */
  readonly take: (bytes: number) => Promise<void> | undefined;
  /** Throws when the work is to stop. */
  readonly refuseStopped: () => void;
}

/**
 * Reads stored objects back and checks every byte: SHA-256 of each frame, authentication, decompression, the hash of each
 * extent, and the checksums of pages where that was asked for. One per thread. Damage is found, not thrown; throws
 * `cancelled` and what the pool throws.
 */
export class Checker {
  readonly #parts: CheckerParts;
  /** Frames are unpacked and hashed here, one after the other; where one does not fit, its pages are copied here. */
  #memory = openPageMemory(usualPageBytes);
  #pageBytes = usualPageBytes;

  constructor(parts: CheckerParts) {
    this.#parts = parts;
  }

  check(check: Check): Promise<Checked> {
    return check.kind === 'piece' ? this.#checkPiece(check) : this.#checkSegment(check);
  }

  async #checkPiece(check: PieceCheck): Promise<Checked> {
    const object = keyOfPiece(check.keys, check.piece);
    this.#usePages(check.rules?.pageBytes ?? usualPageBytes);
    const found = { damage: new Array<Damage>(), bytes: 0, pages: 0 };
    for (const group of groupsOf(check.frames)) {
      const [first] = group;
      if (first === undefined) continue;
      const length = endOf(group) - first.frame.offset;
      await this.#parts.take(length);
      this.#parts.refuseStopped();
      try {
        const stored = await this.#parts.store.get(object, { from: first.frame.offset, length });
        for (const one of group) {
          const at = one.frame.offset - first.frame.offset;
          found.pages += this.#checkFrame(check, one, stored.subarray(at, at + one.frame.storedBytes), found.damage);
        }
      } catch (error) {
        // What cannot be fetched is told once: the piece is gone, or cut.
        return { ...found, damage: [...found.damage, findingOf(object, error)] };
      }
      found.bytes += length;
      await turn();
    }
    return found;
  }

  #usePages(pageBytes: number): void {
    if (pageBytes === this.#pageBytes) return;
    this.#memory = openPageMemory(pageBytes);
    this.#pageBytes = pageBytes;
  }

  /** Each frame and each extent is checked alone, so that one flipped byte costs one finding. Returns pages that were checked. */
  #checkFrame(check: PieceCheck, { frame, extents }: FrameCheck, stored: Uint8Array, damage: Damage[]): number {
    const { keys, piece, rules } = check;
    const { bytes: room, hashOf } = this.#memory;
    let pages = 0;
    try {
      const raw = openFrameOfSet(keys, { piece, frame }, stored, room);
      for (const { extent, pages: of } of extents) {
        const bytes = extentBytes(keys, piece, { raw, extent, hashOf });
        if (of === undefined || rules === undefined) continue;
        const judged = judgePages(this.#memory, bytes, { ...of, ...rules });
        pages += judged.pages;
        for (const block of judged.bad.slice(0, mostNamed))
          damage.push({ object: keyOfPiece(keys, piece), what: pageWords(of.path, block) });
      }
    } catch (error) {
      damage.push(findingOf(keyOfPiece(keys, piece), error));
    }
    return pages;
  }

  async #checkSegment(check: SegmentCheck): Promise<Checked> {
    const { object, storedBytes, storedSha256, rawSha256, sealer, pool } = check;
    await this.#parts.take(storedBytes);
    this.#parts.refuseStopped();
    const damaged = (what: string) => fail('object_damaged', { pool, object, what });
    try {
      const stored = await this.#parts.store.get(parseObjectKey(object));
      if (sha256Hex(stored) !== storedSha256) throw damaged('it is not the object that its batch names');
      if (sha256Hex(openLogSegment(sealer, object, stored)) !== rawSha256)
        throw damaged('its log is not that of its batch');
      return { damage: [], bytes: stored.length, pages: 0 };
    } catch (error) {
      return { damage: [findingOf(object, error)], bytes: storedBytes, pages: 0 };
    }
  }
}

const pageWords = (path: string, block: number): string => {
  const { code, message } = fail('page_damaged_in_set', { path, block: String(block) });
  return `${code}: ${message}`;
};

const endOf = (group: readonly FrameCheck[]): number => {
  const last = group[group.length - 1];
  return last === undefined ? 0 : last.frame.offset + last.frame.storedBytes;
};

/** Frames in the order they lie, neighbours together. Of a base not every frame is wanted. */
function groupsOf(frames: readonly FrameCheck[]): readonly (readonly FrameCheck[])[] {
  const groups: FrameCheck[][] = [];
  for (const one of [...frames].sort((a, b) => a.frame.offset - b.frame.offset)) {
    const group = groups[groups.length - 1];
    const isNext = group !== undefined && endOf(group) === one.frame.offset;
    const bytes = group === undefined ? 0 : one.frame.offset + one.frame.storedBytes - (group[0]?.frame.offset ?? 0);
    if (isNext && bytes <= mostAtOnce) group.push(one);
    else groups.push([one]);
  }
  return groups;
}
