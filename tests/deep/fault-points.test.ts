import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { begunScratches } from '#agent/scratch/scratch-base.ts';
import { recordDeath } from '#tests/support/fault-evidence.ts';
import type { Death, Deed } from '#tests/support/fault-deaths.ts';
import { allDeaths, isOfClosed, nameOfDeath } from '#tests/support/fault-deaths.ts';
import type { FaultStage } from '#tests/support/fault-sweep.ts';
import { openFaultStage } from '#tests/support/fault-sweep.ts';
import { dieInRecovery } from '#tests/support/kill-transfer.ts';
import type { TransferStage } from '#tests/support/transfer-stage.ts';
import { fingerprint, openTransferStage, shop } from '#tests/support/transfer-stage.ts';

// HOLDFAST_FAULTS=<text>,<text>: only deaths with one of them in their name. Each that ends right is put on record.
const wanted = (process.env['HOLDFAST_FAULTS'] ?? '').split(',');
const deaths = allDeaths.filter((death) => wanted.some((text) => nameOfDeath(death).includes(text)));
/** Of one death with its proof, restore included. */
const longestMs = 300_000;
const inProduct = (death: Death): death is Death & { deed: Deed } => death.deed !== 'swap';
const named = <D extends Death>(list: readonly D[]) => list.map((death) => ({ ...death, name: nameOfDeath(death) }));

describe('an agent that dies at a named point, through the whole product,', () => {
  let stage: FaultStage;
  beforeAll(async () => {
    stage = await openFaultStage();
    return () => stage.close();
  });
  const play = async (death: Death & { deed: Deed }): Promise<void> => {
    recordDeath(death, await stage.die(death));
  };

  test.each(named(deaths.filter(inProduct).filter((death) => !isOfClosed(death))))(
    'K-005 K-084 ends its run right: $name',
    { timeout: longestMs },
    play,
  );
  test('K-049 K-096 leaves log without a gap', () => stage.proveLog());
  test.each(named(deaths.filter(inProduct).filter(isOfClosed)))(
    'K-005 K-084 ends its run right: $name',
    { timeout: longestMs },
    play,
  );
});

describe.skipIf(deaths.every(inProduct))('an agent that dies at a named point of a swap', () => {
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
    return () => stage.close();
  });

  test.each(named(deaths.filter((death) => !inProduct(death))))(
    'K-108 leaves the old or the new database, and its run ends right when it is back: $name',
    { timeout: longestMs },
    async ({ deed, point, time }) => {
      const before = await stage.databases();
      const order = stage.order({ databases: [{ database: 'app', as: 'app' }] });
      await dieInRecovery(stage, order, { point, time });
      expect([live, recovered]).toContainEqual(await stage.sql('app', fingerprint));
      const { placed } = await stage.recover(order);
      expect(await stage.sql('app', fingerprint)).toEqual(recovered);
      const kept = placed.flatMap((one) => (one.kind === 'database' ? (one.keptAs ?? []) : []));
      expect(await stage.databases()).toEqual([...before, ...kept].sort());
      expect(begunScratches({ home: stage.bench.home })).toEqual([]);
      expect(readdirSync(join(stage.bench.home, 'scratch'))).toEqual([]);
      await stage.settle('undo', order, placed);
      await stage.settle('discard', order, placed);
      expect(await stage.databases()).toEqual(before);
      recordDeath({ deed, point, time }, { acknowledged: 0, state: 'succeeded' });
    },
  );
});
