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

export const evidencePath = (name: string): string => join(folder, `${name}.json`);

/** Writes `docs/evidence/<name>.json` anew. */
export function writeEvidence(name: string, evidence: object): void {
  writeFileSync(evidencePath(name), `${JSON.stringify(evidence, null, 2)}\n`);
}
