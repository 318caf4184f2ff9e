import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'minio';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import { stopCopy } from '#scripts/demo/stop-copy.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';

let platform: Platform;
let minio: Minio;
let path: string;

beforeAll(async () => {
  [platform, minio] = await Promise.all([openPlatform(), openMinio()]);
  const bin = join(platform.folder, 'bin');
  mkdirSync(bin);
  const launcher = join(projectRoot, 'bin', 'holdfast.mjs');
  writeFileSync(join(bin, 'holdfast'), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`, { mode: 0o755 });
  path = [bin, await provideClientTools(), process.env['PATH'] ?? ''].join(':');
  const copies = join(platform.folder, 'copies');
  mkdirSync(copies);
  chmodSync(copies, 0o755);
  giveToUnprivileged(copies);
  return async () => {
    for (const name of ['first', 'before', 'second']) await stopCopy(join(copies, name));
    await platform.close();
    await minio.close();
  };
});

/** What a reader would type, top to bottom; `sh example` is what differs on every machine. */
const commandsOf = (guide: string): string => {
  const text = readFileSync(join(projectRoot, 'docs', 'guides', guide), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  if (blocks.length === 0) throw bug(`${guide} has no commands`);
  return blocks.join('\n');
};

/** Runs a guide in one shell that ends at the first command that fails; what it printed. */
const follow = (guide: string, own: Readonly<Record<string, string>>): Promise<string> =>
  new Promise((resolve, reject) => {
    const { instance, stack, host, folder } = platform;
    const env = {
      ...stack.places.cliEnv,
      ...{ PATH: path, HOME: folder, HOLDFAST_PASSWORD: instance.password },
      ...{ PGHOST: instance.socketDirectory, PGPORT: String(instance.port), PGUSER: instance.user },
      ...{ PGPASSWORD: instance.password, PGDATABASE: 'postgres', HOST: host, DATA: instance.dataDirectory },
      ...own,
    };
    execFile('sh', ['-eu', '-c', commandsOf(guide)], { env, cwd: folder }, (error, out, err) => {
      if (error === null) resolve(out);
      else reject(bug(`${guide} can be followed to its end:\n${out}\n${err}`, error));
    });
  });

const copy = (name: string): string => join(platform.folder, 'copies', name);

test('K-089 the guide to a first backup leads to a copy that answers', async () => {
  const out = await follow('first-backup-and-restore.md', {
    COPY: copy('first'),
    POOL_DIR: join(platform.folder, 'pools', 'safe'),
  });
  expect(out).toMatch(/ok +place .*does not exist yet/);
  expect(out).toMatch(/current_database[\s\S]*postgres[\s\S]*\(1 row\)\s*$/);
});

test('K-095 the guide to a dropped table brings it back with every row', async () => {
  const out = await follow('recover-a-dropped-table.md', { COPY: copy('before') });
  expect(out).toMatch(/DROP TABLE[\s\S]*\n1000\n$/);
});

test('the guide to a cluster of Temporal leads to an installation that finds nothing wrong', async () => {
  const { catalog, temporalAddress } = platform.stack.places;
  const out = await follow('temporal.md', {
    ...{ HOLDFAST_CATALOG_URL: catalog.urlOf('holdfast'), HOLDFAST_TEMPORAL_ADDRESS: temporalAddress },
  });
  expect(out).toMatch(/namespace default is there; search attributes are there[\s\S]*ok +temporal/i);
});

test('D-002 the guide to proofs reads a set page by page, and then all of its pool', async () => {
  const out = await follow('prove-backups.md', {});
  expect(out).toMatch(/verified +\S+ \S+.*: sound \(page\)/);
  expect(out).toMatch(/NEXT +STORED +READ[\s\S]*set_[0-9a-f]{32}/);
});

test('K-005 the guide to a second copy restores from it, and the guide to keys changes its passphrase', async () => {
  const [set] = z.array(z.object({ id: z.string() })).parse(await platform.done(['set', 'ls']));
  const secret = (name: string): void => {
    writeFileSync(join(platform.folder, name), `${name} of the guide\n`, { mode: 0o600 });
  };
  secret('second.passphrase');
  const out = await follow('copy-pools.md', {
    ...{ SET: set?.id ?? '', COPY: copy('second'), FAR: join(platform.folder, 'pools', 'second') },
  });
  expect(out).toMatch(/second/);
  secret('new.passphrase');
  await follow('keys-and-recovery-kit.md', {});
  const kit = readFileSync(join(platform.folder, 'second.kit'), 'utf8');
  expect(kit).not.toMatch(/of the guide/);
  await platform.done(['pool', 'test', 'second']);
});

test('K-080 the guide to S3 leaves the new pool as the only target of the log', async () => {
  const { endPoint, port, accessKey, secretKey } = minio;
  await new Client({ endPoint, port, useSSL: false, accessKey, secretKey }).makeBucket('backups');
  const out = await follow('move-log-to-s3.md', {
    ...{ S3: `${endPoint}:${String(port)}`, BUCKET: 'backups' },
    ...{ HOLDFAST_S3_ACCESS_KEY: accessKey, HOLDFAST_S3_SECRET_KEY: secretKey },
  });
  expect(out).toMatch(/pool far: covered until/);
  expect(await platform.done(['resource', 'log-pools', 'main'])).toMatchObject([{ name: 'far' }]);
});
