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

const withEnd = (name: string, end: string): string => `${cut(name, longest - end.length)}${end}`;

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
/** Schema in which replaced tables are kept. */
export const keptSchema = (runId: RunId): string => `holdfast_before_${shortRun(runId)}`;
export const undoneSchema = (runId: RunId): string => `holdfast_undone_${shortRun(runId)}`;

/** A name as SQL writes it (PG manual "Identifiers and Key Words"). */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quotedTable = ({ schema, table }: { readonly schema: string; readonly table: string }): string =>
  `${quoted(schema)}.${quoted(table)}`;
/** A text as SQL writes it, whatever `standard_conforming_strings` says. */
export const literal = (text: string): string =>
  text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
