/**
 * `npm run generate`: writes docs/reference/. With `--check` nothing is written and a page that differs is a failure;
 * with names (`dependency-graph`) only those are made.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../supervisor/program.ts';
import { pages } from './pages.ts';

const folder = join(projectRoot, 'docs', 'reference');
const words = process.argv.slice(2);
const isCheck = words.includes('--check');
const wanted = words.filter((word) => !word.startsWith('--'));
mkdirSync(folder, { recursive: true });

for (const [name, make] of Object.entries(pages)) {
  if (wanted.length > 0 && !wanted.some((word) => name.startsWith(word))) continue;
  const path = join(folder, name);
  const text = await make();
  const isSame = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (isSame) continue;
  if (isCheck) {
    process.stdout.write(`docs/reference/${name} is not what the code says: run npm run generate.\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`docs/reference/${name} written\n`);
  }
}
