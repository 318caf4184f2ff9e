/**
 * `npm run generate`: writes docs/reference/. With `--check` nothing is written and a page that differs is a failure;
 * with names (`dependency-graph`) only those are made. `evidence` first takes over the results of the last test run, from
 * which README's state table is made.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../supervisor/program.ts';
import { pages } from './pages.ts';
import { evidenceOf, evidencePath, readmeWithState } from './state-table.ts';

const folder = join(projectRoot, 'docs', 'reference');
const words = process.argv.slice(2);
const isCheck = words.includes('--check');
const wanted = words.filter((word) => !word.startsWith('--'));
const readmePath = join(projectRoot, 'README.md');
mkdirSync(folder, { recursive: true });
if (wanted.includes('evidence')) {
  const results = readFileSync(join(projectRoot, '.holdfast', 'test-results.json'), 'utf8');
  const path = evidencePath(projectRoot);
  const isThere = (file: string): boolean => existsSync(join(projectRoot, file));
  writeFileSync(path, evidenceOf(results, readFileSync(path, 'utf8'), isThere));
}

/** Every generated page by its path below the checkout. */
const all: Record<string, () => string | Promise<string>> = {
  ...Object.fromEntries(Object.entries(pages).map(([name, make]) => [`docs/reference/${name}`, make])),
  'README.md': () => readmeWithState(projectRoot, readFileSync(readmePath, 'utf8')),
};

for (const [name, make] of Object.entries(all)) {
  const isWanted = wanted.length === 0 || wanted.includes('evidence') || wanted.some((word) => name.includes(word));
  if (!isWanted) continue;
  const path = join(projectRoot, name);
  const text = await make();
  const isSame = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (isSame) continue;
  if (isCheck) {
    process.stdout.write(`${name} is not what the code says: run npm run generate.\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`${name} written\n`);
  }
}
