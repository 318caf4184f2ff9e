import type { Command } from 'commander';
import { z } from 'zod';
import { treePageShape } from '#core/settings/shape/logical.ts';
import { bytesText } from '#core/bytes-text.ts';
import type { Cli } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf } from '#api/cli/terminal.ts';

/** The live content tree, one level at a time (K-050). */
export function addTreeVerb(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'tree',
    title: 'what can be chosen: databases of a running instance, the schemas of one, the tables of a schema',
    options: {
      '--resource <resource>': 'database instance, by name or id',
      '--database <database>': 'the schemas of this database instead',
      '--schema <schema>': 'with --database: the tables of this schema instead',
      '--after <name>': 'names behind this one: the next page',
      '--limit <n>': '1 to 1000 (200)',
    },
    shape: z.object({
      ...{ resource: z.string(), database: z.string().optional(), schema: z.string().optional() },
      ...{ after: z.string().default(''), limit: z.coerce.number().int().default(200) },
    }),
    act: async (_cli, { resource, database, schema, after, limit }) => {
      const query = new URLSearchParams({ after, limit: String(limit) });
      if (database !== undefined) query.set('database', database);
      if (schema !== undefined) query.set('schema', schema);
      const path = `/api/v1/resources/${encodeURIComponent(resource)}/tree?${query.toString()}`;
      const page = await (await cli.client()).get(treePageShape, path);
      const rows = page.nodes.map(({ name, kind, sizeBytes, tableCount }) => [
        ...[name, kind, tableCount === undefined ? '-' : String(tableCount)],
        sizeBytes === undefined ? '-' : bytesText(sizeBytes),
      ]);
      const more = page.hasMore ? [`… and more: --after '${page.nodes.at(-1)?.name ?? ''}'`] : [];
      return { json: page, text: [tableOf(['NAME', 'KIND', 'TABLES', 'SIZE'], rows), ...more].join('\n') };
    },
  });
}
