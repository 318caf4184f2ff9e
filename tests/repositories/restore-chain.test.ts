import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { engineProfile } from '#core/engine/profiles.ts';
import type { Progress } from '#core/run/progress.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { prepareTarget } from '#agent/datadir/writer.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { restoreSet } from '#agent/restore/restore-set.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { openFolder } from '#tests/support/folder.ts';
import { localAccess, quietStep } from './pools.ts';
import { lastFiles, lastIds } from './tiny-chain.ts';

const golden = (is: string): string => fileURLToPath(new URL(`v2/${is}`, import.meta.url));
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const { files } = engineProfile('postgresql');
const late = new Set(['global/pg_control']);
const expected = Object.entries(lastFiles).filter(([path]) => !late.has(path));

describe.each([
  { is: 'plain', isEncrypted: false },
  { is: 'encrypted', isEncrypted: true },
])('a restore of the golden chain v2/$is', ({ is, isEncrypted }) => {
  const folder = openFolder('hf-chain-restore-');
  cpSync(golden(is), `${folder.path}/pool`, { recursive: true });
  const access = localAccess(`${folder.path}/pool`, isEncrypted);
  afterAll(() => {
    folder.remove();
  });

  const targetOf = (name: string): EmptyTarget => {
    const space = `${folder.path}/${name}-space`;
    mkdirSync(space, { recursive: true, mode: 0o700 });
    const place = { directory: `${folder.path}/${name}`, tablespaces: { '16400': space } };
    return prepareTarget({ ...place, runId: name, owner, bytes: {}, files });
  };
  const restore = async (target: EmptyTarget): Promise<readonly Progress[]> => {
    const reports: Progress[] = [];
    const pool = await openPool(access);
    const [newest, ...bases] = await openChain(pool, lastIds.setId);
    // The golden set has a directory where a real one has a link.
    const members = newest.meta.members.filter(({ path }) => path !== 'pg_tblspc/16400');
    const chain: SetChain = [{ ...newest, meta: { ...newest.meta, members } }, ...bases];
    const step = { ...quietStep, report: (progress: Progress) => void reports.push(progress) };
    await restoreSet({ chain, pool: access, target, channels: 1, hasOutsideConfiguration: false, step });
    await pool.close();
    return reports;
  };
  const expectEqual = (directory: string): void => {
    for (const [path, content] of expected)
      expect(Buffer.compare(readFileSync(`${directory}/${path}`), content), path).toBe(0);
  };

  test('K-089 D-024 writes every file of the newest set, each byte once, and fetches no frame that is not needed', async () => {
    const target = targetOf('once');
    const reports = await restore(target);
    expectEqual(target.directory);
    const bytes = expected.reduce((sum, [, content]) => sum + content.length, 0);
    const last = reports.at(-1);
    expect(last).toMatchObject({ bytesTotal: bytes, filesDone: expected.length });
    const nonZero = last?.bytesWritten ?? 0;
    expect(nonZero).toBeLessThanOrEqual(bytes);
    expect(readdirSync(`${target.directory}/base/5`).sort()).toEqual(['1259', 'empty', 'new', 'zeros']);
  });

  test('K-110 is taken up after it was killed, whatever was half written', async () => {
    await restore(targetOf('twice'));
    const again = targetOf('twice');
    expect(again.isResumed).toBe(true);
    for (const path of ['base/5/1259', 'base/5/new'])
      writeFileSync(`${again.directory}/${path}`, readFileSync(`${again.directory}/${path}`).fill(7, 3000, 9000));
    await restore(again);
    expectEqual(again.directory);
  });
});
