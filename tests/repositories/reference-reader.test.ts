import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pieceKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { openFolder } from '#tests/support/folder.ts';
import { createLocalPool, passphrase } from './pools.ts';
import { lastFiles, lastIds, makeTinyChain, middleFiles, middleIds } from './tiny-chain.ts';
import { tinyFiles, tinyIds } from './tiny-set.ts';

const reader = fileURLToPath(new URL('../../docs/format-reader/read-set.mjs', import.meta.url));

describe.each([{ is: 'plain', isEncrypted: false }, { is: 'encrypted', isEncrypted: true }])('the reference reader on a set that is $is', ({ isEncrypted }) => {
  const folder = openFolder('hf-reader-');
  const pool = `${folder.path}/pool`;
  const passphraseFile = `${folder.path}/passphrase`;
  const read = (from: string, target: string, set: SetId = tinyIds.setId): string => {
    const secrets = isEncrypted ? [passphraseFile] : [];
    return execFileSync(process.execPath, [reader, from, set, target, ...secrets], { encoding: 'utf8', stdio: 'pipe' });
  };
  beforeAll(async () => {
    const opened = await createLocalPool(pool, isEncrypted);
    await makeTinyChain(opened);
    await opened.close();
    writeFileSync(passphraseFile, `${passphrase}\n`);
  });
  afterAll(() => {
    folder.remove();
  });

  test('restores every file with its content and mode, without the product', () => {
    const target = `${folder.path}/data`;
    expect(read(pool, target)).toContain(`${String(Object.keys(tinyFiles).length)} files`);
    for (const [path, content] of Object.entries(tinyFiles)) {
      expect(Buffer.compare(readFileSync(`${target}/${path}`), content), path).toBe(0);
      expect(statSync(`${target}/${path}`).mode & 0o777).toBe(0o600);
    }
    expect(statSync(`${target}/pg_notify`).isDirectory()).toBe(true);
  });

  test.each([
    { what: 'a differential', set: middleIds.setId, files: middleFiles },
    { what: 'a differential of a differential', set: lastIds.setId, files: lastFiles },
  ])('restores $what with what it builds on', ({ set, files }) => {
    const target = `${folder.path}/${set}`;
    read(pool, target, set);
    const there = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(there.length).toBe(Object.keys(files).length);
    for (const [path, content] of Object.entries(files)) expect(Buffer.compare(readFileSync(`${target}/${path}`), content), path).toBe(0);
  });

  test('refuses a base that is not the one that a set was built on', () => {
    const other = `${folder.path}/other`;
    cpSync(pool, other, { recursive: true });
    for (const name of ['start', 'meta']) cpSync(`${pool}/sets/${tinyIds.setId}/${name}`, `${other}/sets/${middleIds.setId}/${name}`);
    expect(() => read(other, `${folder.path}/never`, lastIds.setId)).toThrow(/is not the base that it was/);
    rmSync(`${folder.path}/never`, { recursive: true });
  });

  test('refuses a flipped byte in a piece and in meta', () => {
    for (const name of [pieceKey(tinyIds.setId, tinyIds.attemptId, 1), `sets/${tinyIds.setId}/meta`]) {
      const damaged = `${folder.path}/damaged`;
      cpSync(pool, damaged, { recursive: true });
      const bytes = readFileSync(`${damaged}/${name}`);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      writeFileSync(`${damaged}/${name}`, bytes);
      expect(() => read(damaged, `${folder.path}/never`)).toThrow(/is damaged/);
      rmSync(damaged, { recursive: true });
      rmSync(`${folder.path}/never`, { recursive: true });
    }
  });

  test('each of its files is at most 150 lines and imports nothing of the product', () => {
    for (const name of ['read-set.mjs', 'read-logical-set.mjs', 'frames.mjs', 'pool-keys.mjs']) {
      const text = readFileSync(join(dirname(reader), name), 'utf8');
      expect(text.split('\n').length).toBeLessThanOrEqual(151);
      const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from ?? '');
      expect(imports.length).toBeGreaterThan(0);
      expect(imports.filter((from) => !/^(node:.*|zstd-napi|\.\/(pool-keys|frames)\.mjs)$/.test(from))).toEqual([]);
    }
  });
});
