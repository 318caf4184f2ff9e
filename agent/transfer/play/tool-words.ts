import { fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { cutText, cutToEnd } from '#core/text.ts';

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
  return text.length <= longest ? text : `${cutText(text, half)} … ${cutToEnd(text, half)}`;
}

const lost =
  /server closed the connection|terminating connection|connection to server .*failed|no connection to the server|SSL connection has been closed/;

/** True for what client programs say when the server or the network ended their connection. */
export const saysLost = (stderr: string): boolean => lost.test(stderr);

/** The exit code of a program that we ended ourselves (SIGTERM). */
const endedByUs = 128 + 15;

/** How a program ended, and what it said. */
interface ToolEnd {
  readonly exitCode: number;
  readonly words: string;
}

interface Broken {
  /** The server said that it cannot go on now. */
  readonly isPassing: boolean;
  readonly cause: unknown;
}

/**
 * Why a transfer did not come to its end: `transfer_broken` when the same may succeed later, for a program lost its server or somebody
 * killed it (memory); `transfer_tool_failed` when one failed by itself and said why.
 */
export function toolFailure(
  places: { readonly database: string; readonly to: string },
  ends: readonly ToolEnd[],
  { isPassing, cause }: Broken,
): HoldfastError {
  const reason = ends.map(({ words }) => toolWords(words)).find((words) => words !== '') ?? String(cause);
  const code = isPassing || mayPass(ends) ? 'transfer_broken' : 'transfer_tool_failed';
  return fail(code, { ...places, reason }, cause);
}

const mayPass = (ends: readonly ToolEnd[]): boolean =>
  ends.some(({ words, exitCode }) => saysLost(words) || (exitCode > 128 && exitCode !== endedByUs)) ||
  ends.every(({ words }) => words.trim() === '');
