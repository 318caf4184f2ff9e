/** What one end of a transfer holds: objects by kind and name, rows of each table, values of sequences. */
export interface Inventory {
  /** `table public.orders`, `index public.orders_pkey`; objects of extensions are left out, their versions may differ. */
  readonly objects: readonly string[];
  readonly rows: ReadonlyMap<string, string>;
  readonly sequences: ReadonlyMap<string, string>;
  readonly largeObjects: number;
}

const named = 5;

/** The first differences in words; undefined when the ends are equal. */
export function firstDifference(source: Inventory, copy: Inventory): string | undefined {
  const found = [
    ...differingObjects(source.objects, copy.objects),
    ...differing('rows in', source.rows, copy.rows),
    ...differing('value of sequence', source.sequences, copy.sequences),
    ...(source.largeObjects === copy.largeObjects
      ? []
      : [`${String(copy.largeObjects)} of ${String(source.largeObjects)} large objects`]),
  ];
  if (found.length === 0) return undefined;
  const more = found.length > named ? `; and ${String(found.length - named)} more` : '';
  return `${found.slice(0, named).join('; ')}${more}`;
}

function differingObjects(source: readonly string[], copy: readonly string[]): readonly string[] {
  const [there, here] = [new Set(source), new Set(copy)];
  return [
    ...source.filter((one) => !here.has(one)).map((one) => `${one} is missing`),
    ...copy.filter((one) => !there.has(one)).map((one) => `${one} is too much`),
  ];
}

const differing = (
  what: string,
  source: ReadonlyMap<string, string>,
  copy: ReadonlyMap<string, string>,
): readonly string[] =>
  [...source]
    .filter(([name, value]) => copy.get(name) !== value)
    .map(([name, value]) => `${what} ${name}: ${value} in the source, ${copy.get(name) ?? 'nothing'} here`);
