import { bug } from '#core/errors/fail.ts';

/** One row as the server sent it. Read it with `textOf`, `flagOf`, `bytesOf`: foreign data is parsed, never cast. */
export type Row = Readonly<Record<string, unknown>>;

/** Text of a column; numbers and booleans as text. Throws `bug` when the column is missing or NULL. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw bug(`the server sent no text in column ${column}`);
}

export function flagOf(row: Row, column: string): boolean {
  const value = row[column];
  if (typeof value !== 'boolean') throw bug(`the server sent no boolean in column ${column}`);
  return value;
}

/** Bytes of a bytea column, undefined for NULL. */
export function bytesOf(row: Row, column: string): Uint8Array | undefined {
  const value = row[column];
  if (value === null) return undefined;
  if (!(value instanceof Uint8Array)) throw bug(`the server sent no bytes in column ${column}`);
  return value;
}
