import { fail } from '#core/errors/fail.ts';

/**
 * Puts new places into the text of tablespace_map: lines `oid path`, where backslash, LF and CR in a path are escaped by a
 * backslash (PostgreSQL 15, 18; 12 does not unescape, so new places hold none: the planner refuses them).
 * Throws `tablespace_unmapped`: a line that kept its path would lead the server to the original directory.
 */
export function rewriteTablespaceMap(text: string, places: Readonly<Record<string, string>>): string {
  return mapLinesOf(text)
    .map((line) => {
      const space = line.indexOf(' ');
      const oid = line.slice(0, space);
      const place = places[oid];
      if (place === undefined) throw fail('tablespace_unmapped', { oid, path: line.slice(space + 1) });
      return `${oid} ${place}\n`;
    })
    .join('');
}

/** Lines end at a line feed that no backslash precedes. */
function mapLinesOf(text: string): readonly string[] {
  return [...text.matchAll(/((?:\\[^]|[^\\\n])+)(?:\n|$)/g)].map((match) => match[1] ?? '');
}
