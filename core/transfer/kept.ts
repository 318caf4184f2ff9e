import type { RunId } from '../id.ts';
import { undoneName, undoneSchema } from './names.ts';
import type { Placed, PlacesTold } from './task.ts';
import { placedText } from './task.ts';

/** Where what one thing replaced lies now; undefined: it replaced nothing, or that was dropped. */
export function keptText(one: Placed): string | undefined {
  if (one.kind === 'table') return one.keptIn === undefined ? undefined : `${one.database}.${one.keptIn}.${one.table}`;
  if (one.keptAs === undefined) return undefined;
  return one.kind === 'database' ? one.keptAs : `${one.database}.${one.keptAs}`;
}

/** Where what was placed lies after an undo of its run. */
export function undoneText(one: Placed, of: RunId): string {
  if (one.kind === 'table') return `${one.database}.${undoneSchema(one.keptIn ?? '')}.${one.table}`;
  const name = undoneName(one.name, of);
  return one.kind === 'database' ? name : `${one.database}.${name}`;
}

/**
 * What stays of a run that swapped, or was about to, and the commands for it: it is told wherever the run did not end well. Undefined:
 * nothing was replaced.
 */
export function keptWords(run: RunId, { placed, isSwapped }: PlacesTold): string | undefined {
  const kept = placed.flatMap((one) => keptText(one) ?? []);
  if (kept.length === 0) return undefined;
  const undo = `holdfast database-recovery undo ${run}`;
  const names = placed.map(placedText).join(', ');
  if (!isSwapped)
    return `It was about to put ${names} into place when it was last heard of: ${undo} puts back what it replaced, and changes nothing when it did not`;
  return `${names} is in place, and what it replaced is kept as ${kept.join(', ')}: ${undo} puts it back, holdfast database-recovery confirm ${run} drops it`;
}
