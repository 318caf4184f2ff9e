import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');
const folders = ['core', 'workflows', 'agent', 'scripts', 'tests'];

/** Lints text as if it were a file of the layer; such files do not exist, so the parser is told to accept them. */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: [...folders.map((folder) => `${folder}/planted.ts`), 'agent/planted.tsx'],
          defaultProject: 'tsconfig.json',
        },
      },
    },
  },
});

const rulesHitBy = async (file: string, code: string): Promise<(string | null)[]> => {
  const [result] = await eslint.lintText(code, { filePath: resolve(root, file) });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
};

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `  use(${String(at)});\n`).join('');
const branches = Array.from({ length: 13 }, (_, at) => `  if (a === ${String(at)}) return ${String(at)};\n`).join('');

const planted: readonly (readonly [string, string, string, string])[] = [
  ['a plain error', 'no-restricted-syntax', 'agent/planted.ts', "throw new Error('x');"],
  ['export *', 'no-restricted-syntax', 'agent/planted.ts', "export * from '#core/id.ts';"],
  ['the environment', 'no-restricted-syntax', 'agent/planted.ts', "export const home = process.env['HOME'];"],
  ['the clock, read as a number', 'no-restricted-syntax', 'agent/planted.ts', 'export const now = Date.now();'],
  ['the clock, read as a date', 'no-restricted-syntax', 'core/planted.ts', 'export const now = new Date();'],
  ['chance in core', 'no-restricted-syntax', 'core/planted.ts', 'export const chance = Math.random();'],
  ['chance in workflows', 'no-restricted-syntax', 'workflows/planted.ts', 'export const chance = Math.random();'],
  ['console', 'no-console', 'agent/planted.ts', "console.log('x');"],
  ['any', '@typescript-eslint/no-explicit-any', 'agent/planted.ts', 'export const x = (a: any): any => a;'],
  [
    'a non-null !',
    '@typescript-eslint/no-non-null-assertion',
    'agent/planted.ts',
    'export const x = (a?: string): string => a!;',
  ],
  ['a promise nobody waits for', '@typescript-eslint/no-floating-promises', 'agent/planted.ts', 'Promise.resolve(1);'],
  [
    'an unprefixed boolean',
    '@typescript-eslint/naming-convention',
    'agent/planted.ts',
    'export const open: boolean = 1 > 0;',
  ],
  [
    'a mixed type import',
    '@typescript-eslint/consistent-type-imports',
    'agent/planted.ts',
    "import { RunId } from '#core/id.ts';\nexport type X = RunId;",
  ],
  [
    'an object cast',
    '@typescript-eslint/consistent-type-assertions',
    'agent/planted.ts',
    'export const x = { a: 1 } as { a: number; b?: string };',
  ],
  [
    'a switch that forgets a case',
    '@typescript-eslint/switch-exhaustiveness-check',
    'agent/planted.ts',
    "export const f = (a: 'x' | 'y'): void => {\n  switch (a) {\n    case 'x':\n  }\n};",
  ],
  [
    'five parameters',
    'max-params',
    'agent/planted.ts',
    'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1): number => a + b + c + d + e;',
  ],
  [
    'a function of 61 lines',
    'max-lines-per-function',
    'agent/planted.ts',
    `export function f(use: (n: number) => void): void {\n${lines(61)}}`,
  ],
  [
    'a file of 401 lines',
    'max-lines',
    'agent/planted.ts',
    Array.from({ length: 401 }, (_, at) => `export const c${String(at)} = 1;\n`).join(''),
  ],
  [
    'thirteen branches',
    'complexity',
    'agent/planted.ts',
    `export function f(a: number): number {\n${branches}  return -1;\n}`,
  ],
  [
    'four levels',
    'max-depth',
    'agent/planted.ts',
    'export function f(a: number): void {\n  if (a > 1) { if (a > 2) { if (a > 3) { if (a > 4) throw a; } } }\n}',
  ],
  ['a plain error in a component', 'no-restricted-syntax', 'agent/planted.tsx', "throw new Error('x');"],
];

test.each(planted)('lint catches %s', async (_what, rule, file, code) => {
  expect(await rulesHitBy(file, code)).toContain(rule);
});

test('a comment cannot switch a rule off', async () => {
  const code = '/* eslint-disable */\nexport const now = Date.now();';
  expect(await rulesHitBy('agent/planted.ts', code)).toContain('no-restricted-syntax');
});

test('scripts and tests may tell the time and read the environment', async () => {
  const code = "export const seen = [Date.now(), process.env['HOME']];";
  expect(await rulesHitBy('scripts/planted.ts', code)).toEqual([]);
  expect(await rulesHitBy('tests/planted.ts', code)).toEqual([]);
});
