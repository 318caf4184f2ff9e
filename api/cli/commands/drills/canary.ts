import type { Command } from 'commander';
import { z } from 'zod';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';

const canaryShape = z.looseObject({
  isEnabled: z.boolean(),
  database: z.string().optional(),
  staticTables: z.array(z.string()),
});

const pathOf = (resource: string): string => `/api/v1/resources/${encodeURIComponent(resource)}/canary`;

/** The row that each log backup writes and each drill looks for. */
export function addCanaryCommands(program: Command, cli: Cli): void {
  const noun = program.command('canary').description('a row that each log backup writes and each drill must find');
  addVerb(noun, cli, {
    usage: 'enable <resource>',
    title: 'let log backups write to schema holdfast of a database, and count tables whose rows never change',
    options: {
      '--database <database>': 'where it is written; that of the stored login when absent',
      '--static <schema.table...>': 'tables whose row counts a drill compares',
    },
    shape: z.object({
      resource: z.string(),
      database: z.string().optional(),
      static: z.array(z.string()).default([]),
    }),
    act: async (_cli, { resource, database, static: staticTables }) =>
      said(await (await cli.client()).put(canaryShape, pathOf(resource), { database, staticTables })),
  });
  addVerb(noun, cli, {
    usage: 'disable <resource>',
    title: 'write no canary any more; what is in the database stays',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => said(await (await cli.client()).remove(canaryShape, pathOf(resource))),
  });
  addVerb(noun, cli, {
    usage: 'show <resource>',
    title: 'whether there is one',
    shape: z.object({ resource: z.string() }),
    act: async (_cli, { resource }) => said(await (await cli.client()).get(canaryShape, pathOf(resource))),
  });
}

function said(canary: z.output<typeof canaryShape>): Said {
  const { isEnabled, database = '', staticTables } = canary;
  const tables = staticTables.length === 0 ? '' : `, counts ${staticTables.join(', ')}`;
  return { json: canary, text: isEnabled ? `each log backup writes one to ${database}${tables}` : 'not written' };
}
