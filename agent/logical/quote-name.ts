import type { TableName } from '#core/logical/selection.ts';

/**
 * A name as SQL writes it, whatever is in it. Also the pattern of a dump tool that matches exactly this name: nothing between
 * quotes is a wildcard there (PG manual "psql", Patterns).
 */
export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quotedTable = ({ schema, table }: TableName): string => `${quotedName(schema)}.${quotedName(table)}`;
export const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
