import type { Warning } from '#core/run/progress.ts';
import type { FileEnd, ZeroedSpan } from './write-message.ts';

/** Files that are named in the outcome; all of them stand in the log of the run. */
const mostFiles = 200;
const mostRanges = 20;

export interface DamageTold {
  /** One for each file, then how to go on. */
  readonly warnings: readonly Warning[];
  /** Every file with every block. */
  readonly lines: readonly string[];
}

/** Says which blocks of which files became zeros because the set could not be read (K-089, issue "restore of a damaged set"). */
export function tellDamage(zeroed: readonly ZeroedSpan[], files: Iterable<FileEnd>, pageBytes: number): DamageTold {
  if (zeroed.length === 0) return { warnings: [], lines: [] };
  const byPath = new Map<string, ZeroedSpan[]>();
  for (const span of zeroed) byPath.set(span.path, [...(byPath.get(span.path) ?? []), span]);
  const named = [...files].filter(({ path }) => byPath.has(path));
  const told = named.map(({ path, member }) => describe(member, byPath.get(path) ?? [], pageBytes));
  if (told.length === 0) return { warnings: [], lines: [] };
  const more = told.length - mostFiles;
  return {
    lines: told.map(({ all }) => all),
    warnings: [
      ...told.slice(0, mostFiles).map(({ short }) => ({ code: 'extent_zeroed', detail: short })),
      ...(more > 0
        ? [{ code: 'extent_zeroed', detail: `${String(more)} more files; all of them are in the log of the run` }]
        : []),
      {
        code: 'damage_accepted',
        detail:
          'rows are missing: check every table with amcheck, rebuild the indexes (REINDEX), dump and compare what matters, then take a new full backup',
      },
    ],
  };
}

function describe(
  member: string,
  spans: readonly ZeroedSpan[],
  pageBytes: number,
): { readonly short: string; readonly all: string } {
  const ranges: { first: number; last: number }[] = [];
  for (const { at, length } of [...spans].sort((a, b) => a.at - b.at)) {
    const [first, last] = [Math.floor(at / pageBytes), Math.floor((at + length - 1) / pageBytes)];
    const before = ranges[ranges.length - 1];
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else ranges.push({ first, last });
  }
  const texts = ranges.map(({ first, last }) => (first === last ? String(first) : `${String(first)}–${String(last)}`));
  const why = [...new Set(spans.map((span) => span.why))];
  const more = texts.length > mostRanges ? ` and ${String(texts.length - mostRanges)} more ranges` : '';
  return {
    short: `${member}: blocks ${texts.slice(0, mostRanges).join(', ')}${more} are zeros (${why[0] ?? ''})`,
    all: `${member}: blocks ${texts.join(', ')} are zeros (${why.join('; ')})`,
  };
}
