import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { provideClientTools, providePostgres } from '#scripts/servers/postgres.mjs';
import { provideTemporal } from '#scripts/servers/temporal.mjs';
import type { Child } from '#scripts/supervisor/child.ts';
import { openEmbeddedPostgres } from '#scripts/supervisor/embedded-postgres.ts';
import { freePorts } from '#scripts/supervisor/free-port.ts';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { startTemporal } from '#scripts/supervisor/temporal.ts';
import { giveToUnprivileged } from '#scripts/supervisor/unprivileged.ts';
import { openFolder } from './folder.ts';

/** What an address or a path of a container is on this machine. */
export type Dictionary = readonly (readonly [inContainer: string, here: string])[];

/** What docker-compose.yml takes from images of others, as servers on this machine: catalog and Temporal. */
export interface ComposeWorld {
  readonly folder: string;
  readonly words: Dictionary;
  /** PATH of every container. */
  readonly path: string;
  readonly apiPort: number;
  close(): Promise<void>;
}

export async function openComposeWorld(secrets: readonly string[]): Promise<ComposeWorld> {
  const folder = openFolder('hfc-');
  const [apiPort = 0, catalogPort = 0] = await freePorts(2);
  const programs = await providePostgres(18);
  for (const name of secrets) writeSecret(folder.path, name);
  const catalog = await startCatalog({ folder: folder.path, programs, port: catalogPort });
  const temporal = await startTemporal({
    program: await provideTemporal(),
    folder: newFolder(folder.path, 'temporal'),
  });
  return {
    ...{ folder: folder.path, apiPort },
    path: [makeBin(folder.path), programs, await provideClientTools(), '/usr/bin', '/bin'].join(':'),
    words: [
      ['@catalog:5432/', `@127.0.0.1:${String(catalogPort)}/`],
      ['temporal:7233', temporal.address],
      ['http://api:8420', `http://127.0.0.1:${String(apiPort)}`],
      ['127.0.0.1:8420', `127.0.0.1:${String(apiPort)}`],
      ['/usr/lib/postgresql/18/bin', programs],
      ['/run/secrets', join(folder.path, 'secrets')],
      ['/holdfast/', `${projectRoot}/`],
    ],
    close: async () => {
      await temporal.child.stop();
      await catalog.stop();
      folder.remove();
    },
  };
}

/** A folder of the unprivileged user, as a volume is. */
export function newFolder(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  giveToUnprivileged(path);
  return path;
}

const secretOf = (name: string): string => `${name} of the test`;

function writeSecret(folder: string, name: string): void {
  writeFileSync(join(newFolder(folder, 'secrets'), name), `${secretOf(name)}\n`, { mode: 0o444 });
}

/** `holdfast` and `node`, as the image has them. */
function makeBin(folder: string): string {
  const bin = newFolder(folder, 'bin');
  const launcher = join(projectRoot, 'bin', 'holdfast.mjs');
  writeFileSync(join(bin, 'holdfast'), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
  chmodSync(join(bin, 'holdfast'), 0o755);
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}

interface CatalogPlace {
  readonly folder: string;
  readonly programs: string;
  readonly port: number;
}

/** With the role, the password and the database that the image of PostgreSQL makes. */
async function startCatalog({ folder, programs, port }: CatalogPlace): Promise<Child> {
  const catalog = await openEmbeddedPostgres({
    ...{ name: 'catalog', programs, folder: join(folder, 'catalog') },
    config: ["listen_addresses = '127.0.0.1'", `port = ${String(port)}`],
  });
  const child = await catalog.start();
  const client = new pg.Client({ host: '127.0.0.1', port, user: catalog.user, password: catalog.password });
  await client.connect();
  try {
    await client.query(`create role holdfast superuser login password '${secretOf('catalog-password')}'`);
    await client.query('create database holdfast owner holdfast');
  } finally {
    await client.end();
  }
  return child;
}
