import type { Command } from 'commander';
import { z } from 'zod';
import type { FileList, SetDifference, TableList } from '#core/contents/contents.ts';
import type { SetId } from '#core/id.ts';
import { fileListShape, setDifferenceShape, tableListShape } from '#core/settings/shape/contents.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import type { ApiClient } from '#api/cli/client.ts';
import { tableOf } from '#api/cli/terminal.ts';

interface Question {
  readonly set: SetId;
  readonly of: 'files' | 'tables';
  readonly prefix: string;
  readonly limit: number;
}

/** What `set show --files` and `--tables` print. */
export async function filesOrTables(client: ApiClient, { set, of, prefix, limit }: Question): Promise<Said> {
  const path = `/api/v1/backup-sets/${set}/${of}?limit=${String(limit)}`;
  if (of === 'tables') {
    const list = await client.get(tableListShape, path);
    return { json: list, text: tablesText(list) };
  }
  const list = await client.get(fileListShape, `${path}&prefix=${encodeURIComponent(prefix)}`);
  return { json: list, text: filesText(list) };
}

const more = (hasMore: boolean): string[] => (hasMore ? ['… and more: see --limit, or the API for all'] : []);

function filesText({ files, hasMore, total }: FileList): string {
  const rows = files.map(({ path, sizeBytes, ownBytes, storedBytes }) => [
    path,
    ...[sizeBytes, ownBytes, storedBytes].map(bytesText),
  ]);
  return [
    tableOf(['FILE', 'SIZE', 'IN THIS SET', 'STORED'], rows),
    ...more(hasMore),
    `${String(total.files)} files, ${bytesText(total.sizeBytes)}, of them ${bytesText(total.ownBytes)} in this set, stored in ${bytesText(total.storedBytes)}`,
  ].join('\n');
}

function tablesText({ tables, hasMore, naming }: TableList): string {
  const rows = tables.map(({ name, path, files, sizeBytes, ownBytes, storedBytes }) => [
    name ?? '-',
    path,
    String(files),
    ...[sizeBytes, ownBytes, storedBytes].map(bytesText),
  ]);
  return [tableOf(['RELATION', 'PATH', 'FILES', 'SIZE', 'IN THIS SET', 'STORED'], rows), ...more(hasMore), naming].join(
    '\n',
  );
}

export function addDiffVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'diff <earlier> <later>',
    title: 'what changed in the files from one set to another',
    options: { '--limit <n>': 'files that are listed, 1 to 1000 (50)' },
    shape: z.object({
      earlier: idShape('set'),
      later: idShape('set'),
      limit: z.coerce.number().int().default(50),
    }),
    act: async (_cli, { earlier, later, limit }) => {
      const path = `/api/v1/backup-sets/${later}/diff/${earlier}?limit=${String(limit)}`;
      const difference = await (await cli.client()).get(setDifferenceShape, path);
      return { json: difference, text: differenceText(difference) };
    },
  });
}

function differenceText({ files, hasMore, ...counts }: SetDifference): string {
  const rows = files.map(({ path, change, earlierBytes, laterBytes, changedBytes }) => [
    change,
    path,
    ...[earlierBytes, laterBytes, changedBytes].map(bytesText),
  ]);
  const { added, removed, changed, unchanged, changedBytes } = counts;
  return [
    tableOf(['CHANGE', 'FILE', 'BEFORE', 'AFTER', 'DIFFERS'], rows),
    ...more(hasMore),
    `${String(added)} added, ${String(removed)} removed, ${String(changed)} changed, ${String(unchanged)} as before; at most ${bytesText(changedBytes)} differ`,
  ].join('\n');
}
