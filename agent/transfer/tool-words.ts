/** Longest text of an error that a person reads to its end. */
const longest = 800;

/**
 * What a program said before it failed, in one line: all of it, or its beginning and its end, because the cause is named first by some
 * and last by others.
 */
export function toolWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const text = lines.join('; ');
  const half = longest / 2;
  return text.length <= longest ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
}
