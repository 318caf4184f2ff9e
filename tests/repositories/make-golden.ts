import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatVersions } from '#core/format/version.ts';
import { createLocalPool } from './pools.ts';
import { makeTinyLog, makeTinySet } from './tiny-set.ts';

// Run once per format version (`npx tsx tests/repositories/make-golden.ts`): a golden repository is never made again,
// because it stands for what released programs wrote (docs/format.md §1).
const folder = fileURLToPath(new URL(`v${String(formatVersions.pool.written)}`, import.meta.url));
for (const [name, isEncrypted] of [['plain', false], ['encrypted', true]] as const) {
  rmSync(`${folder}/${name}`, { recursive: true, force: true });
  const pool = await createLocalPool(`${folder}/${name}`, isEncrypted);
  await makeTinySet(pool);
  await makeTinyLog(pool);
  await pool.close();
}
