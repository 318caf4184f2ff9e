import type { MarkKind, MarkOfSet } from '#core/care/mark.ts';
import type { SetId } from '#core/id.ts';
import { putMark, readMarks } from '../care/marks.ts';
import type { Copying } from './copying.ts';

/** Pins, holds and quarantine are about the set in one pool, and each pool has its own retention. */
const words: ReadonlySet<MarkKind> = new Set(['name', 'annotation', 'label', 'unlabel']);

/** Gives a copied set the name, labels and annotation that it has in the source. Returns all its marks in the target. */
export async function copyWords({ from, to }: Copying, setId: SetId): Promise<readonly MarkOfSet[]> {
  const { marks } = await readMarks(from, setId);
  let there: readonly MarkOfSet[] = [];
  // The number and the hash of the mark before it are those of the target: `putMark` gives them anew.
  for (const mark of marks) if (words.has(mark.kind)) there = (await putMark(to, mark)).marks;
  return there;
}
