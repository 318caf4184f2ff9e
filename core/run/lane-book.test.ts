import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatId } from '../id.ts';
import type { LaneKind } from './lane.ts';
import { canShare } from './lane.ts';
import type { LaneBook } from './lane-book.ts';
import { admit, emptyLaneBook, enter, leave, replacedIn } from './lane-book.ts';
import type { LaneRequest } from './work-order.ts';

const runId = (n: number) => formatId('run', n, new Uint8Array(10));
const hostId = formatId('host', 1, new Uint8Array(10));
const request = (n: number, kind: LaneKind, whenBusy: LaneRequest['whenBusy'] = 'wait'): LaneRequest => ({
  order: { runId: runId(n), kind: 'no-op', hostId, lane: { owner: 'res', kind }, reconnectMinutes: 1, queuePrefix: '' },
  whenBusy,
});

const action = fc.oneof(
  fc.record({
    do: fc.constant('enter' as const),
    n: fc.nat(9),
    kind: fc.constantFrom<LaneKind>('data', 'log', 'logical', 'exclusive'),
  }),
  fc.record({ do: fc.constant('leave' as const), n: fc.nat(9) }),
);

test('whatever is asked and ended in whatever order, holders always go together and nobody is on the book twice', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      let book: LaneBook = emptyLaneBook;
      for (const a of actions) {
        book = admit(a.do === 'enter' ? enter(book, request(a.n, a.kind)).book : leave(book, runId(a.n))).book;
        for (const [i, one] of book.running.entries()) {
          for (const other of book.running.slice(i + 1)) expect(canShare(one.kind, other.kind)).toBe(true);
        }
        const keys = [...book.running, ...book.waiting].map((entry) => entry.key);
        expect(new Set(keys).size).toBe(keys.length);
      }
    }),
  );
});

test('asking again tells where the run stands and changes nothing', () => {
  const first = enter(emptyLaneBook, request(1, 'data'));
  expect(first.verdict).toEqual({ verdict: 'entered' });
  const second = enter(admit(first.book).book, request(2, 'data'));
  expect(second.verdict).toEqual({ verdict: 'waiting', position: 1 });
  expect(enter(second.book, request(2, 'data'))).toEqual(second);
  expect(enter(second.book, request(1, 'data')).verdict).toEqual({ verdict: 'entered' });
});

test('a run that ended is not let in again by a late repeat of its request', () => {
  const book = leave(admit(enter(emptyLaneBook, request(1, 'data')).book).book, runId(1));
  expect(enter(book, request(1, 'data')).verdict).toEqual({ verdict: 'ended' });
});

test('a request that must not wait is turned away with the id of the holder and leaves no trace', () => {
  const book = admit(enter(emptyLaneBook, request(1, 'exclusive')).book).book;
  const answer = enter(book, request(2, 'log', 'refuse'));
  expect(answer.verdict).toEqual({ verdict: 'busy', holder: runId(1) });
  expect(answer.book).toBe(book);
});

test('K-059 an incremental that waits gives way to a scheduled full of its family, and nobody else does', () => {
  const data = (n: number, kind: 'full-backup' | 'incremental-backup', more: object): LaneRequest => {
    const { order, whenBusy } = request(n, 'data');
    return { order: { ...order, kind, lane: { ...order.lane, ...more } }, whenBusy };
  };
  const ask = [
    data(1, 'incremental-backup', { family: 'a' }),
    data(2, 'incremental-backup', { family: 'a' }),
    data(3, 'incremental-backup', { family: 'b' }),
    data(4, 'full-backup', { family: 'a', isReplacing: true }),
  ];
  const books = ask.reduce<LaneBook[]>(
    (all, one) => [...all, admit(enter(all[all.length - 1] ?? emptyLaneBook, one).book).book],
    [],
  );
  const [, , three = emptyLaneBook, four = emptyLaneBook] = books;
  expect(replacedIn(three)).toEqual([]);
  expect(replacedIn(four)).toEqual([{ order: ask[1]?.order, by: runId(4) }]);
  expect(four.running.map(({ key }) => key)).toEqual([runId(1)]);
});
