import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { MarkOfSet, NewMark } from '#core/care/mark.ts';
import { parseJson } from '#core/format/fields.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { markKey, marksPrefix } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { markShape } from '#core/settings/shape/care.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openSideObject, sealSideObject } from './side-object.ts';

/** How often a writer that lost the race for a number tries the next one. */
const triesForNumber = 20;
const shape = /^marks\/(set_[0-9a-f]{32})\/(\d{6})$/;

/** The marks of a set in order, and what cannot be read of them. */
export interface ReadMarks {
  readonly marks: readonly MarkOfSet[];
  readonly unreadable: readonly HoldfastError[];
  /** SHA-256 of the stored mark with the highest number, '' without one. */
  readonly lastSha256: string;
  readonly lastSeq: number;
}

/** Reads the marks of one set. A mark that is damaged, or a number that is missing, is told and never passed over. */
export async function readMarks(pool: Pool, setId: SetId): Promise<ReadMarks> {
  const marks: MarkOfSet[] = [];
  const unreadable: HoldfastError[] = [];
  let [lastSeq, lastSha256] = [0, ''];
  for await (const { key } of pool.store.list(marksPrefix(setId))) {
    const seq = Number(shape.exec(key)?.[2] ?? 0);
    if (seq === 0) continue;
    const stored = await pool.store.get(key);
    const found = openMark(pool, key, stored);
    const isNext = seq === lastSeq + 1 && (found instanceof HoldfastError || found.previousSha256 === lastSha256);
    if (found instanceof HoldfastError) unreadable.push(found);
    else marks.push(found);
    if (!isNext) unreadable.push(broken(pool, key));
    [lastSeq, lastSha256] = [seq, sha256Hex(stored)];
  }
  return { marks, unreadable, lastSeq, lastSha256 };
}

const broken = (pool: Pool, object: string): HoldfastError =>
  fail('object_damaged', { pool: pool.name, object, what: 'a mark before it is missing or was exchanged' });

function openMark(pool: Pool, key: ObjectKey, stored: Uint8Array): MarkOfSet | HoldfastError {
  try {
    const mark = markShape.safeParse(parseJson(openSideObject(pool, { object: key, kind: 'mark' }, stored), key));
    const isRight = mark.success && markKey(mark.data.setId, mark.data.seq) === key;
    return isRight
      ? mark.data
      : fail('object_damaged', { pool: pool.name, object: key, what: 'it is no mark of its set' });
  } catch (error) {
    if (error instanceof HoldfastError && !error.isRetryable) return error;
    throw error;
  }
}

/**
 * Writes a mark behind those of its set and returns all of them. A mark that is there already, written by an attempt whose
 * answer was lost, is not written again. Durable when it returns. Throws `set_not_committed`, `mark_contended`.
 */
export async function putMark(pool: Pool, mark: NewMark): Promise<ReadMarks> {
  for (let attempt = 0; attempt < triesForNumber; attempt++) {
    const read = await readMarks(pool, mark.setId);
    const same = read.marks.find(({ markId }) => markId === mark.markId);
    if (same !== undefined) {
      await pool.store.secure(markKey(same.setId, same.seq));
      return read;
    }
    const next: MarkOfSet = { ...mark, seq: read.lastSeq + 1, previousSha256: read.lastSha256 };
    const key = markKey(mark.setId, next.seq);
    const stored = sealSideObject(pool, { object: key, kind: 'mark' }, JSON.stringify(next));
    if ((await pool.store.putIfAbsent(key, stored)) === 'exists') continue;
    await pool.store.barrier([key]);
    return { ...read, marks: [...read.marks, next], lastSeq: next.seq, lastSha256: sha256Hex(stored) };
  }
  throw fail('mark_contended', { set: mark.setId });
}

/** Every set of a pool that has marks, with what can be read of them: for `catalog rebuild`. */
export async function* listMarks(pool: Pool): AsyncIterable<ReadMarks & { readonly setId: SetId }> {
  const seen = new Set<SetId>();
  for await (const { key } of pool.store.list('marks/')) {
    const found = shape.exec(key);
    if (found !== null) seen.add(parseId('set', found[1] ?? ''));
  }
  for (const setId of seen) yield { setId, ...(await readMarks(pool, setId)) };
}
