import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { withLock } from '#scripts/servers/lock.mjs';
import { folderBase } from '#tests/support/folder.ts';
import type { Cell, Row } from './cell.ts';

const path = fileURLToPath(new URL('../../docs/evidence/matrix.json', import.meta.url));
const rowShape = z.looseObject({
  engine: z.string(),
  pool: z.string(),
  isEncrypted: z.boolean(),
  hasChecksums: z.boolean(),
});
const evidenceShape = z.array(rowShape);

export const nameOf = ({ engine, pool, isEncrypted, hasChecksums }: z.output<typeof rowShape> | Cell): string =>
  [engine, pool, isEncrypted ? 'encrypted' : 'plain', `checksums ${hasChecksums ? 'on' : 'off'}`].join(', ');

/** Puts the row of a cell that passed into the committed evidence, in place of the one before; one row a line. */
export async function record(row: Row): Promise<void> {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: dirname(path), encoding: 'utf8' }).trim();
  await withLock(`${folderBase}/holdfast-matrix.lock`, () => {
    const known = evidenceShape.parse(JSON.parse(readIfPresent(path) ?? '[]'));
    const others = known.filter((one) => nameOf(one) !== nameOf(row));
    const rows = [...others, { ...row, on: new Date().toISOString().slice(0, 10), commit }];
    rows.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, `[\n${rows.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`);
    renameSync(`${path}.new`, path);
    return Promise.resolve();
  });
}
