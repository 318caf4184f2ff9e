import type { SetSummary } from '#core/backup/set-summary.ts';

/** A set with its place below the set it builds on. */
export interface Branched<R> {
  readonly row: R;
  /** What is printed before its id: nothing for a full, and for a set whose base is not in the list. */
  readonly indent: string;
}

interface Listed {
  readonly id: string;
  readonly summary: Pick<SetSummary, 'base'>;
}

/** Orders sets, given newest first, as trees: every chain below its full, within it in order of time. */
export function treesOf<R extends Listed>(rows: readonly R[]): readonly Branched<R>[] {
  const ids = new Set(rows.map(({ id }) => id));
  const baseOf = ({ summary }: R): string | undefined => {
    const base = summary.base?.setId;
    return base !== undefined && ids.has(base) ? base : undefined;
  };
  const below = new Map<string | undefined, R[]>();
  for (const row of rows) below.set(baseOf(row), [...(below.get(baseOf(row)) ?? []), row]);
  const grow = (row: R, depth: number): Branched<R>[] => [
    { row, indent: depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ ` },
    // Why not deeper: each differential of a long chain builds on the one before, and the screen ends.
    ...[...(below.get(row.id) ?? [])].reverse().flatMap((child) => grow(child, Math.min(depth + 1, maxDepth))),
  ];
  return (below.get(undefined) ?? []).flatMap((row) => grow(row, 0));
}

const maxDepth = 3;
