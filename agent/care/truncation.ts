import type { TruncationNote } from '#core/care/care-task.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseJson } from '#core/format/fields.ts';
import { truncationKey, truncationsPrefix } from '#core/format/object-key.ts';
import { truncationNoteShape } from '#core/settings/shape/care.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openSideObject, sealSideObject } from './side-object.ts';

const shape = /^marks\/log\/\d{1,20}\/[0-9a-f]{32}\/(\d{6})$/;

/** A branch of one cluster in a pool. */
export interface NotedBranch {
  readonly systemId: string;
  readonly branchId: string;
}

/** What plans deleted of the log of a branch. A note that cannot be read explains nothing; `tell` hears of it. */
export async function readTruncations(
  pool: Pool,
  { systemId, branchId }: NotedBranch,
  tell: (problem: HoldfastError) => void = () => undefined,
): Promise<readonly TruncationNote[]> {
  const notes: TruncationNote[] = [];
  for await (const { key } of pool.store.list(truncationsPrefix(systemId, branchId))) {
    if (!shape.test(key)) continue;
    try {
      const text = openSideObject(pool, { object: key, kind: 'truncation' }, await pool.store.get(key));
      notes.push(truncationNoteShape.parse(parseJson(text, key)));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.class !== 'corrupt') throw error;
      tell(error);
    }
  }
  return notes;
}

/** Writes a note behind those of its branch; durable when it returns. */
export async function putTruncation(pool: Pool, note: Omit<TruncationNote, 'seq'>): Promise<void> {
  const { systemId, branchId } = note;
  for (;;) {
    const keys: number[] = [];
    for await (const { key } of pool.store.list(truncationsPrefix(systemId, branchId)))
      keys.push(Number(shape.exec(key)?.[1] ?? 0));
    const seq = Math.max(0, ...keys) + 1;
    const object = truncationKey(systemId, branchId, seq);
    const stored = sealSideObject(pool, { object, kind: 'truncation' }, JSON.stringify({ ...note, seq }));
    if ((await pool.store.putIfAbsent(object, stored)) === 'exists') continue;
    return pool.store.barrier([object]);
  }
}

/**
 * The hash that a batch may name although the batch before it is another one: follows what plans deleted from `sha256`
 * back to something that is there. `isThere` knows the hashes of batches that are; '' is the begin of the chain.
 */
export function explains(
  notes: readonly TruncationNote[],
  sha256: string,
  isThere: (sha256: string) => boolean,
): boolean {
  const previousOf = new Map(
    notes.flatMap(({ links }) => links.map((link) => [link.sha256, link.previousSha256] as const)),
  );
  const seen = new Set<string>();
  for (let at = sha256; !seen.has(at);) {
    seen.add(at);
    const previous = previousOf.get(at);
    if (previous === undefined) return false;
    if (isThere(previous)) return true;
    at = previous;
  }
  return false;
}
