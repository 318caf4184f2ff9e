import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'evidence');

/** Commit, day and machine of a piece of evidence that a deep test writes. */
export const circumstances = (command: string) => ({
  command,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim(),
  date: new Date().toISOString().slice(0, 10),
  node: process.version.slice(1),
});

/** Writes `docs/evidence/<name>.json` anew. */
export function writeEvidence(name: string, evidence: object): void {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(evidence, null, 2)}\n`);
}
