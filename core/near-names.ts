const mostNear = 3;

/**
 * Names that somebody may have meant who wrote one that is not there, the nearest first: written alike but for a third of its letters,
 * or with the one inside the other. Capitals make no difference. Of names with dots (`schema.table`) the last part alone may be alike.
 */
export function nearNames(known: Iterable<string>, asked: string): readonly string[] {
  const letters = Array.from(lastOf(asked)).length;
  if (letters === 0) return [];
  const most = Math.max(1, Math.floor(letters / 3));
  return [...new Set(known)]
    .map((name) => ({ name, far: farness(name, asked) }))
    .filter(({ far }) => far <= most)
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, mostNear)
    .map(({ name }) => name);
}

/** Letters that are wrong; a part or a longer form of a name counts as nearly one. */
function farness(name: string, asked: string): number {
  const [known, other] = [name.toLowerCase(), asked.toLowerCase()];
  const shorter = known.length < other.length ? known : other;
  const isInside = shorter.length >= 3 && (known.includes(other) || other.includes(known));
  const isElsewhere = known.includes('.') && lastOf(known) === lastOf(other);
  return Math.min(distance(known, other), isInside ? 0.8 : Infinity, isElsewhere ? 0.5 : Infinity);
}

const lastOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

interface Rows {
  readonly above: readonly number[];
  readonly row: readonly number[];
}

/** Letters to add, drop, change or swap with their neighbour between two words, capitals or not (Levenshtein, with Damerau's swaps). */
export function distance(a: string, b: string): number {
  const [left, right] = [Array.from(a.toLowerCase()), Array.from(b.toLowerCase())];
  let rows: Rows = { above: [], row: Array.from({ length: right.length + 1 }, (_, i) => i) };
  for (const [i, letter] of left.entries()) {
    const next = [i + 1];
    for (const [j, other] of right.entries()) {
      const isSwapped = letter === right[j - 1] && left[i - 1] === other;
      next.push(Math.min(least(rows, next, j, letter === other), isSwapped ? at(rows.above, j - 1) + 1 : Infinity));
    }
    rows = { above: rows.row, row: next };
  }
  return at(rows.row, right.length);
}

const at = (row: readonly number[], j: number): number => row[j] ?? Infinity;

/** Without swaps. */
const least = ({ row }: Rows, next: readonly number[], j: number, isSame: boolean): number =>
  Math.min(at(row, j) + (isSame ? 0 : 1), at(row, j + 1) + 1, at(next, j) + 1);
