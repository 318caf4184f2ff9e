import { parseRelationFile } from '../backup/relation-file.ts';
import type { SetMeta } from '../format/meta.ts';
import type { ContentsView, ListedTable, TableList } from './contents.ts';
import { amountOf, plus } from './list-files.ts';

/** `database.schema.relation` by the path of the first file of a relation. */
export type RelationNames = ReadonlyMap<string, string>;

/** Directories that hold relations: global/, base/<database>/, pg_tblspc/<tablespace>/<version>/<database>/. */
const ofRelations = /^(global|base\/\d+|(?:pg|sys)_tblspc\/\d+\/[^/]+\/\d+)\/([^/]+)$/;

/** Path of the relation that a file belongs to; undefined for files that are none of a relation. */
export function relationPath(path: string): string | undefined {
  const [, directory, name] = ofRelations.exec(path) ?? [];
  const file = name === undefined ? undefined : parseRelationFile(name);
  return directory === undefined || file === undefined ? undefined : `${directory}/${file.number}`;
}

/** Sums up the forks and segments of each relation, the largest first. */
export function listTables(
  { members, frames }: Pick<SetMeta, 'members' | 'frames'>,
  { limit }: Extract<ContentsView, { of: 'tables' }>,
  { names, naming }: { readonly names: RelationNames; readonly naming: string },
): TableList {
  const tables = new Map<string, ListedTable>();
  for (const member of members) {
    const path = member.kind === 'file' ? relationPath(member.path) : undefined;
    if (member.kind !== 'file' || path === undefined) continue;
    const amount = amountOf(member, frames);
    const known = tables.get(path);
    if (known !== undefined) {
      tables.set(path, { ...known, ...plus(known, amount), files: known.files + 1 });
      continue;
    }
    const name = names.get(path);
    tables.set(path, { path, ...amount, files: 1, ...(name === undefined ? {} : { name }) });
  }
  const sorted = [...tables.values()].sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1));
  return { of: 'tables', tables: sorted.slice(0, limit), hasMore: sorted.length > limit, naming };
}
