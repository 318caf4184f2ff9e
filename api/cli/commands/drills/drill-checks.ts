import { z } from 'zod';
import type { DrillChecks } from '#core/drill/drill.ts';
import { fail } from '#core/errors/fail.ts';
import { drillChecksShape, drillStatementsShape } from '#core/settings/shape/drill.ts';
import { readTypedJson } from '#api/cli/typed-file.ts';

export const checkOptions: Readonly<Record<string, string>> = {
  '--no-pages': 'leave out the checksum of every page',
  '--no-structure': 'leave out amcheck',
  '--sql <name=database:expected:statement...>':
    'a read only statement; the first column of its first row must be what is expected',
  '--sql-file <file>': 'more of them as JSON: [{"name", "database", "statement", "expected", "timeoutSeconds"}]',
};

export const checkShape = {
  pages: z.boolean().default(true),
  structure: z.boolean().default(true),
  sql: z.array(z.string()).default([]),
  sqlFile: z.string().optional(),
};

interface TypedChecks {
  readonly pages: boolean;
  readonly structure: boolean;
  readonly sql: readonly string[];
  readonly sqlFile?: string | undefined;
}

/** The checks that were typed. Throws `value_malformed`, `file_unreadable`. */
export async function checksOf({ pages, structure, sql, sqlFile }: TypedChecks): Promise<DrillChecks> {
  const fromFile =
    sqlFile === undefined ? [] : await readTypedJson({ option: '--sql-file', file: sqlFile }, drillStatementsShape);
  return drillChecksShape.parse({
    ...{ isPageChecked: pages, isStructureChecked: structure, sql: [...sql.map(statementOf), ...fromFile] },
  });
}

/** `orders=shop:42:select count(*) from orders`. */
function statementOf(text: string) {
  const [, name, database, expected, statement] = /^([^=]+)=([^:]+):([^:]*):(.+)$/s.exec(text) ?? [];
  if (statement === undefined)
    throw fail('value_malformed', { text, what: '--sql', expected: 'name=database:expected:statement' });
  return { name, database, expected, statement };
}
