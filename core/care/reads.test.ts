import { expect, test } from 'vitest';
import type { OrderOf } from '../agent/order.ts';
import type { PoolAccess } from '../pool/pool-access.ts';
import { testIds } from '#tests/support/catalog.ts';
import { readsOf } from './reads.ts';

const access = (name: string): PoolAccess => ({
  ...{ poolId: testIds('pool'), name, place: { kind: 'local', directory: `/${name}` }, secrets: {} },
});

test('K-005 a copy leases the log that it copies in both pools: nobody deletes what it continues in the target', () => {
  const [from, to, setId, base] = [access('from'), access('to'), testIds('set'), testIds('set')];
  const task = { sets: [setId], bases: [base], systems: ['42'], bytesTotal: 0, leftOut: [], warnings: [] };
  const ids = { runId: testIds('run'), hostId: testIds('host') };
  const order: OrderOf<'pool-copy'> = { kind: 'pool-copy', ...ids, from, to, task, limits: {} };
  const log = [{ systemId: '42', from: 0 }];
  expect(readsOf(order)).toEqual([
    { poolId: from.poolId, sets: [setId], log },
    { poolId: to.poolId, sets: [base], log },
  ]);
});
