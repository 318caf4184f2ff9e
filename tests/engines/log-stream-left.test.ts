import { renameSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import type { SlotTold, SlotVerdict } from '#core/log/left-slot.ts';
import { settleSlot } from '#agent/stream/keep-slots.ts';
import { begunStreams } from '#agent/stream/slot-memory.ts';
import type { RunningStream, StreamStage } from '#tests/support/stream-stage.ts';
import { openStreamStage } from '#tests/support/stream-stage.ts';

let stage: StreamStage;
afterEach(async () => {
  await stage.close();
});

/** What the next agent process does about the slot when the API says this of the run. */
async function settled({ order }: RunningStream, verdict: SlotVerdict['verdict']) {
  const told: SlotTold[] = [];
  const dropped: string[] = [];
  const outcome = await settleSlot(
    {
      ...{ home: stage.bench.home, clock: { nowMs: () => Date.now() }, everyMs: 1, isLive: () => false },
      channel: {
        slotVerdict: () => Promise.resolve({ verdict, instance: stage.access }),
        tellSlot: (_run, what) => Promise.resolve(void told.push(what)),
      },
      onDropped: (_run, slot) => void dropped.push(slot),
      onTrouble: (_run, error) => {
        throw error;
      },
    },
    order.runId,
  );
  return { outcome, told, dropped };
}

test('K-049 the slot of a stream that was cancelled before the next agent process took it up goes by itself; that of a failed one stays and is told', async () => {
  stage = await openStreamStage({ major: 15, archive: true });
  const { bench, postgres, untilCovered } = stage;
  const stream = stage.stream();
  await untilCovered();
  await stream.stop();
  expect(await settled(stream, 'wait')).toMatchObject({ outcome: 'wait', told: [] });
  const [before] = await stage.slots();
  await postgres.sql('create table t as select generate_series(1, 1000)');
  expect(await settled(stream, 'keep')).toMatchObject({
    told: [{ state: 'left', slot: before?.['slot_name'], keptBytes: expect.any(Number) as number }],
  });
  expect(await stage.slots()).toHaveLength(1);
  expect(begunStreams(bench.home)).toEqual([stream.order.runId]);
  expect(await settled(stream, 'drop')).toEqual({
    ...{ outcome: 'gone', told: [{ state: 'gone' }] },
    dropped: [before?.['slot_name']],
  });
  expect(await stage.slots()).toEqual([]);
  expect(begunStreams(bench.home)).toEqual([]);
});

test('K-049 the slot of a cancelled stream stays as long as it has the only copy of log that the pool was away for', async () => {
  stage = await openStreamStage({ major: 15, archive: true });
  const { place } = stage.bench.pool;
  if (place.kind !== 'local') throw bug('the pool of this test is local');
  const stream = stage.stream();
  await stage.untilCovered();
  renameSync(place.directory, `${place.directory}-away`);
  await stage.postgres.sql('create table t as select generate_series(1, 1000)');
  expect(await stream.cancel()).toMatchObject({ code: 'cancelled' });
  expect(await settled(stream, 'drop')).toMatchObject({ outcome: 'left', dropped: [], told: [{ state: 'left' }] });
  expect(await stage.slots()).toHaveLength(1);
  renameSync(`${place.directory}-away`, place.directory);
});
