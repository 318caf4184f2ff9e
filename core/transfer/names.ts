import type { RunId } from '../id.ts';

/** Longest name that a server keeps whole, in bytes (NAMEDATALEN - 1). */
const longest = 63;

/** Distinguishes the runs of an instance: the random end of the id. */
export const shortRun = (runId: RunId): string => runId.slice(-12);

const cut = (name: string, bytes: number): string => {
  let text = name;
  // A character of two units goes whole.
  while (byteLength(text) > bytes) text = text.replace(/.$/su, '');
  return text;
};

/** UTF-8 bytes of a text. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** Eight hexadecimal digits of a text (FNV-1a, 32 bits): names that are cut at the same place stay different. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A name with an end of its own. What is too long for a server is cut, and keeps a digest of the whole instead. */
function withEnd(name: string, end: string): string {
  if (byteLength(name) + byteLength(end) <= longest) return `${name}${end}`;
  const mark = `_${digest(name)}`;
  return `${cut(name, longest - byteLength(end) - mark.length)}${mark}${end}`;
}

/** A name that a server keeps whole. */
export const cutName = (name: string): string => withEnd(name, '');

/** Under which a replaced database is kept until somebody confirms. */
export const keptName = (name: string, runId: RunId): string => withEnd(name, `_before_${shortRun(runId)}`);
/** Under which a recovered database lies after it was taken back. */
export const undoneName = (name: string, runId: RunId): string => withEnd(name, `_undone_${shortRun(runId)}`);

/** Databases with this beginning are unfinished work of ours and of nobody else. */
export const temporaryPrefix = 'holdfast_tmp_';
export const temporaryName = (runId: RunId, index: number): string =>
  `${temporaryPrefix}${shortRun(runId)}_${String(index)}`;

/** Schema in which tables are built before they take their places. */
export const stagingSchema = (runId: RunId): string => `${temporaryPrefix}${shortRun(runId)}`;
/** Schema in which replaced tables of one schema are kept: two schemas may have tables or indexes of one name. */
export const keptSchema = (runId: RunId, index: number): string =>
  `holdfast_before_${shortRun(runId)}${index === 0 ? '' : `_${String(index)}`}`;
/** Schema in which tables lie that were taken back, by the one of those that were kept. */
export const undoneSchema = (keptIn: string): string => keptIn.replace(/^holdfast_before_/, 'holdfast_undone_');

/**
 * A name as SQL writes it, whatever is in it (PG manual "Identifiers and Key Words"). Also the pattern of a dump tool that matches exactly
 * this name: nothing between quotes is a wildcard there (PG manual "psql", Patterns).
 */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quotedTable = ({ schema, table }: { readonly schema: string; readonly table: string }): string =>
  `${quoted(schema)}.${quoted(table)}`;
/** A text as SQL writes it, whatever `standard_conforming_strings` says. */
export const literal = (text: string): string =>
  text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
