import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { instantFromMs } from '#core/instant.ts';
import { putMark } from '#agent/care/marks.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { rotateKey } from '#agent/pools/rotate-key.ts';
import { localAccess, nextPassphrase, passphrase } from './pools.ts';
import { lastIds } from './tiny-chain.ts';
import { fixedId } from './tiny-set.ts';

// Run once per version of the part keys (`npx tsx tests/repositories/make-golden-keys.ts`): what a rotation of the golden
// pool v2/encrypted adds to it, and a mark that was sealed under the new key.
const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hf-golden-keys-'));
const pool = join(folder, 'pool');
cpSync(join(here, 'v2', 'encrypted'), pool, { recursive: true });
const access = localAccess(pool, true);
await rotateKey({ ...access, secrets: { passphrase, nextPassphrase } }, { nowMs: () => 1_790_000_003_000 });
const opened = await openPool({ ...access, secrets: { passphrase: nextPassphrase } });
const mark = { markId: fixedId('mark', 41), setId: lastIds.setId, kind: 'label' as const, by: 'golden' };
await putMark(opened, { ...mark, at: instantFromMs(1_790_000_004_000), text: 'sealed under key 2' });
await opened.close();
for (const part of ['keys', 'marks']) {
  rmSync(join(here, 'keys-v1', part), { recursive: true, force: true });
  cpSync(join(pool, part), join(here, 'keys-v1', part), { recursive: true });
}
rmSync(folder, { recursive: true });
