import { renameSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { coverage } from '#core/log/coverage.ts';
import { rotateKey } from '#agent/pools/rotate-key.ts';
import { cheapScrypt } from '#tests/support/cheap-pool.ts';
import type { StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

let stage: StreamStage;
afterEach(async () => {
  await stage.close();
});

test('K-049 a stream that is cancelled while the pool lacks its log keeps its slot and names it; the next one loses nothing', async () => {
  stage = await openStreamStage({ major: 15, archive: true });
  const { postgres, bench, untilCovered } = stage;
  await postgres.sql('create table t (a int)');
  const stream = stage.stream();
  await untilCovered();
  const { place } = bench.pool;
  if (place.kind !== 'local') throw bug('the pool of this test is local');
  renameSync(place.directory, `${place.directory}-away`);
  await postgres.sql('insert into t select generate_series(1, 1000)');
  expect(await stream.cancel()).toMatchObject({ code: 'cancelled' });
  expect(await stage.slots()).toMatchObject([{ slot_type: 'physical' }]);
  expect(stream.lines.at(-1)).toMatch(/slot holdfast_\w+ stays: the pool may lack log behind 0\/[0-9A-F]+,/);
  renameSync(`${place.directory}-away`, place.directory);
  const next = stage.stream();
  await untilCovered();
  expect(coverage({ sets: [], batches: stage.batches }).branches.flatMap(({ gaps }) => gaps)).toEqual([]);
  await next.cancel();
  expect(await stage.slots()).toEqual([]);
});

test('K-049 a stream whose pool gets a new key asks for an order with the new passphrase and goes on without a gap', async () => {
  const [passphrase, nextPassphrase] = ['the first passphrase', 'the second passphrase'];
  let ahead = 0;
  stage = await openStreamStage({ major: 15, archive: true }, { passphrase, aheadMs: () => ahead });
  const { postgres, bench, untilCovered } = stage;
  await postgres.sql('create table t (a int)');
  const first = stage.stream();
  await untilCovered();
  const clock = { nowMs: () => Date.now() };
  await rotateKey({ ...bench.pool, secrets: { passphrase, nextPassphrase } }, clock, cheapScrypt);
  await postgres.sql('insert into t values (1)');
  // Nearly the minute after which a stream looks for keys, and less than after which a server counts as silent.
  ahead = 58_000;
  expect(await first.end).toMatchObject({ code: 'passphrase_old', isRetryable: true });
  expect(await stage.slots()).toMatchObject([{ slot_type: 'physical' }]);
  const pool = { ...bench.pool, secrets: { passphrase: nextPassphrase } };
  const second = stage.stream({ order: { ...first.order, pool } });
  await untilCovered();
  expect(coverage({ sets: [], batches: stage.batches }).branches.flatMap(({ gaps }) => gaps)).toEqual([]);
  await second.cancel();
  expect(await stage.slots()).toEqual([]);
});
