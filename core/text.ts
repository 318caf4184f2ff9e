/** Texts that people, databases and programs wrote: cut to a length, and made fit for a store. */

/**
 * The beginning of a text, at most so many UTF-16 units, and one less where the cut would leave half a surrogate pair: JSON with half
 * a pair is refused by jsonb (PostgreSQL manual, 8.14 "JSON Types").
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  return text.slice(0, isInPair(text, most) ? most - 1 : most);
}

/** The end of a text, by the same rule. */
export function cutToEnd(text: string, most: number): string {
  const from = text.length - most;
  if (from <= 0) return text;
  return text.slice(isInPair(text, from) ? from + 1 : from);
}

/** True between the two halves of one sign. */
const isInPair = (text: string, at: number): boolean =>
  /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));

/** What stands for a sign that cannot be stored. */
const replacement = '\ufffd';

/** A text as the catalog takes it: without halves of surrogate pairs and without NUL, which no text of PostgreSQL may hold. */
export const storableText = (text: string): string => text.replace(/[\0\p{Cs}]/gu, replacement);

/**
 * JSON that jsonb takes, whatever the value holds: halves of surrogate pairs and NUL, which `JSON.stringify` writes as escapes and jsonb
 * refuses, are replaced, in keys too.
 */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(escapes, (escape, what: string) =>
    what.length > 1 ? replacement : escape,
  );

/** Every escape, so that a backslash that is escaped itself begins none. */
const escapes = /\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g;
