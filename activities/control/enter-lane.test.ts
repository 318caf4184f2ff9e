import { expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { parseId } from '#core/id.ts';
import type { RunBook } from '#core/ports/run-book.ts';
import { emptyLaneBook, enter } from '#core/run/lane-book.ts';
import type { LaneRequest } from '#core/run/work-order.ts';
import { enterLane } from './enter-lane.ts';

const runOf = (digit: string) => parseId('run', `run_01a1fec49c04720ba63521085940870${digit}`);
const requestOf = (digit: string): LaneRequest => ({
  order: {
    runId: runOf(digit),
    kind: 'full-backup',
    hostId: parseId('host', 'host_01a1fec434617bbc88acbb2e852a90be'),
    lane: { owner: 'res_01a1fec43b3b775480f3987f8e30ec0b', kind: 'data' },
    reconnectMinutes: 1,
    queuePrefix: '',
  },
  whenBusy: 'refuse',
});

/** The real book of a lane that still names run 1, and a catalog in which run 1 is closed or not. */
function laneHeldByFirst({ isClosed }: { readonly isClosed: boolean }) {
  let lane = enter(emptyLaneBook, requestOf('1')).book;
  const unasked = () => Promise.reject(bug('a run that is not let in is not moved'));
  const book: RunBook = {
    ticket: unasked,
    begin: unasked,
    moveTo: unasked,
    close: unasked,
    recordSet: unasked,
    isClosed: (runId) => Promise.resolve(isClosed && runId === runOf('1')),
  };
  const door = {
    enter: (request: LaneRequest) => {
      const answer = enter(lane, request);
      lane = answer.book;
      return Promise.resolve(answer.verdict);
    },
  };
  return enterLane({ book, door });
}

test('K-084 a run started at the end of another waits for the lane to hear of that end and is not refused as busy', async () => {
  const ask = laneHeldByFirst({ isClosed: true });
  expect(await ask(requestOf('2'))).toEqual({ verdict: 'waiting', position: 2 });
});

test('a run is refused while the holder of its lane is not over', async () => {
  const ask = laneHeldByFirst({ isClosed: false });
  expect(await ask(requestOf('2'))).toEqual({ verdict: 'busy', holder: runOf('1') });
});
