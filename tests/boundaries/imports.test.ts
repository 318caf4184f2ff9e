import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ICruiseOptions, ICruiseResult, IConfiguration } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import configuration from '../../.dependency-cruiser.cjs';
import { openFolder } from '../support/folder.ts';
import { cleanFiles, plantedImports } from './planted-imports.ts';

const folder = openFolder('hf-planted-').path;
const packages = ['zod', '@temporalio/workflow', '@temporalio/activity', '@temporalio/common', 'vitest'];
const rules: IConfiguration = configuration;

const put = (path: string, text: string): void => {
  const whole = join(folder, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
};

/** A small project with one stub per package, so that rules about packages have something to resolve. */
const plant = (): void => {
  const dependencies = Object.fromEntries(packages.slice(0, -1).map((name) => [name, '1.0.0']));
  put('package.json', JSON.stringify({ type: 'module', dependencies, devDependencies: { vitest: '1.0.0' } }));
  for (const name of packages) {
    put(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    put(`node_modules/${name}/index.js`, 'exports.stub = 1;\n');
  }
  for (const [file, text] of Object.entries(cleanFiles)) put(file, text);
  for (const { file, text } of plantedImports) put(file, text);
};

let found: { rule: string; file: string }[] = [];

beforeAll(async () => {
  plant();
  const { forbidden = [], options = {} } = rules;
  const rest = { ...options };
  delete rest.tsConfig;
  const wanted: ICruiseOptions = {
    ...rest,
    ruleSet: { forbidden },
    validate: true,
    baseDir: folder,
    outputType: 'json',
  };
  const files = [...new Set([...Object.keys(cleanFiles), ...plantedImports.map(({ file }) => file)])];
  const { output } = await cruise([...new Set(files.map((file) => file.split('/')[0] ?? ''))], wanted);
  if (typeof output !== 'string') throw bug('the json reporter answers text');
  const result: ICruiseResult = JSON.parse(output) as ICruiseResult;
  found = result.summary.violations.map(({ rule, from }) => ({ rule: rule.name, file: from }));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each(plantedImports)('the rule $rule catches its planted breach', ({ rule, file }) => {
  expect(found).toContainEqual({ rule, file });
});

test('every rule has a planted breach', () => {
  const planted = new Set(plantedImports.map(({ rule }) => rule));
  expect((rules.forbidden ?? []).map(({ name }) => name).filter((name) => !planted.has(name ?? ''))).toEqual([]);
});

test('what each layer may import is not reported', () => {
  const clean = new Set(Object.keys(cleanFiles));
  const isWanted = (rule: string): boolean => rule !== 'no-orphans' && rule !== 'no-cycles';
  expect(found.filter(({ rule, file }) => clean.has(file) && isWanted(rule))).toEqual([]);
});
