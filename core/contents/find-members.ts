import type { FileOfSet, SetMeta } from '../format/meta.ts';
import type { RelationNames } from './list-tables.ts';
import { relationPath } from './list-tables.ts';

/**
 * The files of a set that are meant: all segments and forks of a relation, named by a path of one of them or as `database.schema.relation`
 * (of `names`; the end of a name is enough where it means one relation), or one other file by its path. Empty when nothing is.
 */
export function findMembers(
  { members }: Pick<SetMeta, 'members'>,
  what: string,
  names: RelationNames,
): readonly FileOfSet[] {
  const files = members.filter((member): member is FileOfSet => member.kind === 'file');
  const relation = relationPath(what) ?? pathOfName(what, names);
  if (relation !== undefined) return files.filter(({ path }) => relationPath(path) === relation);
  return files.filter(({ path }) => path === what);
}

function pathOfName(what: string, names: RelationNames): string | undefined {
  const exact = [...names].filter(([, name]) => name === what);
  const found = exact.length > 0 ? exact : [...names].filter(([, name]) => name.endsWith(`.${what}`));
  return found.length === 1 ? found[0]?.[0] : undefined;
}
