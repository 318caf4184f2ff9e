import { cutText } from '../text.ts';

const mostLines = 200;
const longestLine = 2000;

/** What a script wrote: its first and its last bytes, and how many between them were dropped. */
export interface ScriptOutput {
  readonly head: string;
  readonly tail: string;
  readonly droppedBytes: number;
}

/**
 * The output of a script as lines for the log of its run: at most 200, the first and the last ones, each at most 2 000
 * characters, with what was left out named in between. Control characters become visible.
 */
export function outputLines({ head, tail, droppedBytes }: ScriptOutput): readonly string[] {
  if (droppedBytes === 0) return shortened(linesIn(head + tail));
  const first = linesIn(head).slice(0, mostLines / 2);
  const last = linesIn(tail).slice(-mostLines / 2);
  return [...first, `… ${String(droppedBytes)} bytes of output left out …`, ...last];
}

function shortened(lines: readonly string[]): readonly string[] {
  const more = lines.length - mostLines;
  if (more <= 0) return lines;
  const half = mostLines / 2;
  return [...lines.slice(0, half), `… ${String(more)} lines left out …`, ...lines.slice(-half)];
}

function linesIn(text: string): string[] {
  const lines = text.split(/\r?\n|\r/);
  if (lines[lines.length - 1] === '') lines.pop();
  return lines.map((line) => visible(line.length > longestLine ? `${cutText(line, longestLine)}…` : line));
}

/** Control characters would move the cursor of whoever reads the log, and the catalog takes no NUL. */
const visible = (line: string): string =>
  Array.from(line, (sign) => ((sign < ' ' && sign !== '\t') || sign === '\u007f' ? '\ufffd' : sign)).join('');
