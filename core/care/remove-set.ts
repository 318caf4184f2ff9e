import { dependentsOf } from '../backup/chain.ts';
import { fail } from '../errors/fail.ts';
import type { SetId } from '../id.ts';
import { refusalOf, unmarked } from './mark.ts';
import type { SetVerdict, Verdicts } from './retention-plan.ts';
import type { RetentionWorld } from './world.ts';
import { lockOn } from './world.ts';

/**
 * What goes when an operator removes a set: the set and all that builds on it. Log stays: the next retention decides on it.
 * Throws `set_unknown`, `set_protected` when one of them is pinned, held or has a mark that cannot be read.
 */
export function decideRemoval(world: RetentionWorld, setId: SetId): Verdicts {
  const set = world.sets.find((each) => each.setId === setId);
  if (set === undefined) throw fail('set_unknown', { set: setId });
  const all = [set, ...dependentsOf(setId, world.sets)];
  for (const each of all) {
    const unknown = world.unreadable?.has(each.setId) === true ? 'one of its marks cannot be read' : undefined;
    const why =
      refusalOf(world.standings.get(each.setId) ?? unmarked, world.now) ?? lockOn(world, each.setId) ?? unknown;
    if (why !== undefined) throw fail('set_protected', { set: each.setId, why });
  }
  const verdicts = all.map(({ setId: id, resourceId, systemId, type, endedAt, storedBytes }): SetVerdict => {
    const detail = id === setId ? 'an operator asked for it' : `it builds on ${setId}`;
    return {
      setId: id,
      resourceId,
      systemId,
      type,
      endedAt,
      storedBytes,
      isDeleted: true,
      reasons: [{ code: 'asked', detail }],
    };
  });
  return { sets: verdicts, log: [] };
}
