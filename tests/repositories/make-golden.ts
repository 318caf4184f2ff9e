import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatVersions } from '#core/format/version.ts';
import { createLocalPool } from './pools.ts';
import { makeTinyChain } from './tiny-chain.ts';
import { makeTinyLog } from './tiny-set.ts';

// Run once per format version of `meta` (`npx tsx tests/repositories/make-golden.ts`): a golden repository is never made
// again, because it stands for what released programs wrote (docs/format.md §1). v1 held the first set of this chain.
const folder = fileURLToPath(new URL(`v${String(formatVersions.meta.written)}`, import.meta.url));
for (const [name, isEncrypted] of [['plain', false], ['encrypted', true]] as const) {
  rmSync(`${folder}/${name}`, { recursive: true, force: true });
  const pool = await createLocalPool(`${folder}/${name}`, isEncrypted);
  await makeTinyChain(pool);
  await makeTinyLog(pool);
  await pool.close();
}
