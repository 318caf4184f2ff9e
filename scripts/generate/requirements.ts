import type { TestTitle } from './test-titles.ts';

const idPattern = /\b[KD]-\d{3}\b/g;
const rangePattern = /\b([KD])-(\d{3})…(?:\1-)?(\d{3})\b/g;

/** Ids of a text in the order they come; `K-051…K-054` names all four. */
export const idsIn = (text: string): readonly string[] => {
  const whole = text.replaceAll(rangePattern, (_range, kind: string, from: string, to: string) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => String(Number(from) + at).padStart(3, '0'))
      .map((number) => `${kind}-${number}`)
      .join(' '),
  );
  return whole.match(idPattern) ?? [];
};

/** Ids that the issues name which are built: each must be in the title of a test ("Accepted when" of each). */
export const ownedIds = idsIn(
  [
    'K-007 K-047 K-049 K-080 K-082 K-089 K-095…K-098 K-107 K-119 D-012',
    'K-005 K-013 K-014 K-048 K-079 K-081 K-084…K-086 K-110 K-117 D-007 D-013…D-017 D-019 D-020 D-023…D-025 D-038',
    'K-001 K-002 K-004 K-006 K-050…K-061 K-064…K-067 K-072 K-074 K-076 K-078 K-087 K-088 K-090…K-093',
    'K-099…K-105 K-108 K-109 K-118 K-122 D-047 D-048',
  ].join(' '),
);

/** Id → titles of the tests that promise it. */
export const titlesById = (titles: readonly TestTitle[]): ReadonlyMap<string, readonly TestTitle[]> => {
  const found = new Map<string, TestTitle[]>();
  for (const test of titles) {
    for (const id of new Set(idsIn(test.title))) found.set(id, [...(found.get(id) ?? []), test]);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** docs/reference/requirements.md: which test keeps which promise. */
export const requirementsPage = (titles: readonly TestTitle[]): string => {
  const rows = [...titlesById(titles)].flatMap(([id, tests]) =>
    tests.map(({ title, file }) => `| ${id} | ${cell(title)} | \`${file}\` |`),
  );
  return ['# Requirements and their tests', '', '| id | test | file |', '|---|---|---|', ...rows, ''].join('\n');
};
