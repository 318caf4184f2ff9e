import type { TestTitle } from './test-titles.ts';

/** Ids that the resolved issues name: each must be in the title of a test (issue 3 "Accepted when"). */
export const ownedIds = [
  ...['K-007', 'K-047', 'K-049', 'K-080', 'K-082', 'K-089', 'K-095', 'K-096', 'K-097', 'K-098', 'K-107', 'K-119'],
  'D-012',
] as const;

const idPattern = /\b[KD]-\d{3}\b/g;

/** Id → titles of the tests that promise it. */
export const titlesById = (titles: readonly TestTitle[]): ReadonlyMap<string, readonly TestTitle[]> => {
  const found = new Map<string, TestTitle[]>();
  for (const test of titles) {
    for (const id of new Set(test.title.match(idPattern) ?? [])) found.set(id, [...(found.get(id) ?? []), test]);
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
