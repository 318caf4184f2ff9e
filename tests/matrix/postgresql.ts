import pg from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { instanceAccess, openBackupBench } from '#tests/support/backup.ts';
import { drawFrom, prepareWorkload, work } from '#tests/support/chain-workload.ts';
import type { Minio } from '#tests/support/minio.ts';
import { bucketOf, openMinio } from '#tests/support/minio.ts';
import type { Major } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { openRestoreBench } from '#tests/support/restore.ts';
import type { Cell, Ground } from './cell.ts';
import { playCell } from './cell.ts';
import { nameOf, record } from './evidence.ts';

const passphrase = 'a passphrase of the matrix';

/** Every kind of pool, with and without encryption, with and without page checksums. */
export const cellsOf = (engine: string): readonly Cell[] =>
  (['local', 's3'] as const).flatMap((pool) =>
    [false, true].flatMap((isEncrypted) =>
      [true, false].map((hasChecksums) => ({ engine, pool, isEncrypted, hasChecksums })),
    ),
  );

export const secretsOf = ({ isEncrypted }: Cell): { readonly passphrase?: string } =>
  isEncrypted ? { passphrase } : {};

/** Tells all cells of an engine; `open` makes the ground of one. */
export function tellCells(engine: string, open: (cell: Cell, minio: Minio | undefined) => Promise<Ground>): void {
  describe(engine, () => {
    let minio: Minio;
    beforeAll(async () => {
      minio = await openMinio();
    });
    afterAll(() => minio.close());
    for (const cell of cellsOf(engine))
      test(`K-014 K-047 K-048 K-089 K-095 full, three incrementals, log and a point in time: ${nameOf(cell)}`, async () => {
        const ground = await open(cell, cell.pool === 's3' ? minio : undefined);
        try {
          await record(await playCell(cell, ground));
        } finally {
          await ground.close();
        }
      }, 900_000);
  });
}

/** How many operations of the workload lie between two sets. */
const operationsPerRound = 5;

async function openGround(major: Major, cell: Cell, minio: Minio | undefined): Promise<Ground> {
  const config = ['autovacuum = off', ...(major >= 17 ? ['summarize_wal = on'] : [])];
  const postgres = await openPostgres({ major, archive: true, config, hasChecksums: cell.hasChecksums });
  const bench = await openBackupBench({
    ...secretsOf(cell),
    ...(minio === undefined ? {} : { remote: bucketOf(minio, nameOf(cell).replaceAll(/[^a-z0-9]+/g, '-')) }),
  });
  const restores = openRestoreBench(bench, postgres);
  await prepareWorkload(postgres);
  const draw = drawFrom(major * 8 + cellsOf(cell.engine).findIndex((one) => nameOf(one) === nameOf(cell)));
  return {
    ...{ postgres, bench, restores, instance: await instanceAccess(postgres) },
    change: () => work(postgres, draw, operationsPerRound),
    connectTo: async ({ socket, port }, database = 'postgres') => {
      const client = new pg.Client({ ...postgres.connection, host: socket ?? '', port: port ?? 0, database });
      await client.connect();
      return client;
    },
    close: async () => {
      await restores.close();
      bench.close();
      await postgres.close();
    },
  };
}

export const tellPostgres = (major: Major): void => {
  tellCells(`postgresql ${String(major)}`, (cell, minio) => openGround(major, cell, minio));
};
