import type { TableName } from '#core/logical/selection.ts';

/** A name as SQL writes it, whatever is in it. */
export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quotedTable = ({ schema, table }: TableName): string => `${quotedName(schema)}.${quotedName(table)}`;

/**
 * The same as a pattern of a dump tool, which matches exactly this name: nothing between quotes is a wildcard there (PG manual
 * "psql", Patterns).
 */
export const schemaPattern = quotedName;
export const tablePattern = quotedTable;
export const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
