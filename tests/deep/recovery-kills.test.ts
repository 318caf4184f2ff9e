import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { begunScratches } from '#agent/scratch/scratch-base.ts';
import type { KillInstant } from '#tests/support/kill-transfer.ts';
import { killRecovery } from '#tests/support/kill-transfer.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { fingerprint, openTransferStage, shop } from '#tests/support/transfer-stage.ts';

const kills: readonly { readonly instant: KillInstant; readonly delayMs: number }[] = [
  { instant: 'in the transfer', delayMs: 0 },
  { instant: 'before the swap', delayMs: 0 },
  ...[0, 2, 5, 10, 20, 40].map((delayMs) => ({ instant: 'at the swap' as const, delayMs })),
  { instant: 'after the swap', delayMs: 0 },
];

describe('an agent of PostgreSQL 18 that is killed', () => {
  let stage: TransferStage;
  let recovered: unknown;
  let live: unknown;

  beforeAll(async () => {
    stage = await openTransferStage(18);
    await stage.sql('postgres', 'create role shop_owner', 'create role shop_reader');
    await stage.sql('postgres', 'create database app owner shop_owner', 'create database other');
    await stage.sql('app', ...shop);
    await stage.backUp();
    recovered = await stage.sql('app', fingerprint);
    await stage.sql('app', 'delete from shop.items where id > 10');
    live = await stage.sql('app', fingerprint);
  });
  afterAll(() => stage.close());

  test.each(kills)(
    'K-108 $instant ($delayMs ms) leaves the old or the new database under its name, and its run ends right when it is back',
    { timeout: 300_000 },
    async ({ instant, delayMs }) => {
      const before = await stage.databases();
      const order = stage.order({ databases: [{ database: 'app', as: 'app' }] });
      await killRecovery(stage, order, { instant, delayMs });
      const now = await stage.sql('app', fingerprint);
      const hasSwapped = JSON.stringify(now) === JSON.stringify(recovered);
      if (!hasSwapped) expect(now).toEqual(live);
      if (instant !== 'at the swap') expect(hasSwapped).toBe(instant === 'after the swap');

      const { placed } = await stage.recover(order);
      expect(await stage.sql('app', fingerprint)).toEqual(recovered);
      const kept = placed.flatMap((one) => (one.kind === 'database' ? (one.keptAs ?? []) : []));
      expect(await stage.databases()).toEqual([...before, ...kept].sort());
      expect(await stage.sql(kept[0] ?? '', fingerprint)).toEqual(live);
      expect(begunScratches({ home: stage.bench.home })).toEqual([]);
      expect(readdirSync(join(stage.bench.home, 'scratch'))).toEqual([]);

      await stage.settle('undo', order, placed);
      await stage.settle('discard', order, placed);
      expect(await stage.sql('app', fingerprint)).toEqual(live);
      expect(await stage.databases()).toEqual(before);
    },
  );
});
