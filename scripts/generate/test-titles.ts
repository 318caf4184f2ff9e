import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** One test as it is written: its file and its title with those of the groups around it. */
export interface TestTitle {
  readonly file: string;
  readonly title: string;
}

const skipped = new Set(['node_modules', 'dist', '.git', '.holdfast', 'coverage']);

const testFiles = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !skipped.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return testFiles(path);
      return /\.(test|suite)\.ts$/.test(entry.name) ? [path] : [];
    });

/** `test`, `test.each(rows)`, `it.skipIf(x)`… → the word it begins with. */
const calleeWord = (callee: ts.Expression): string => {
  if (ts.isIdentifier(callee)) return callee.text;
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) return calleeWord(callee.expression);
  return '';
};

const textOf = (node: ts.Expression | undefined): string | undefined => {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.getText().slice(1, -1) : undefined;
};

const titlesIn = (node: ts.Node, above: string, file: string): TestTitle[] => {
  const call = ts.isCallExpression(node) ? node : undefined;
  const word = call === undefined ? '' : calleeWord(call.expression);
  const own = ['test', 'it', 'describe'].includes(word) ? textOf(call?.arguments[0]) : undefined;
  const title = own === undefined ? above : `${above} ${own}`.trim();
  const found = own !== undefined && word !== 'describe' ? [{ file, title }] : [];
  const below: TestTitle[] = [];
  node.forEachChild((child) => {
    below.push(...titlesIn(child, title, file));
  });
  return [...found, ...below];
};

/** Every test title of the project, in order of files. */
export const testTitles = (root: string): TestTitle[] =>
  testFiles(root).flatMap((path) => {
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true);
    return titlesIn(source, '', relative(root, path));
  });
