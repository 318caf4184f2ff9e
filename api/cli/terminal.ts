import type { Readable } from 'node:stream';

/** Where a command speaks: results to `out`, everything else to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person watches `err`: progress bars and prompts only then. */
  readonly isWatched: boolean;
  /** Whether a person reads `out`: trees are drawn only then, so that programs find an id at the begin of a line. */
  readonly isDrawn: boolean;
  readonly input: Readable;
  /** The stream behind `err`, for the progress bar. */
  readonly errStream: NodeJS.WritableStream;
}

/** A table with aligned columns; nothing when there are no rows. */
export function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_heading, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** An instant without fractions of a second. */
export const timeText = (instant: string | null | undefined): string =>
  instant == null ? '-' : `${instant.slice(0, 19).replace('T', ' ')}Z`;
