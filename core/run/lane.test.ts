import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LaneEntry, LaneKind } from './lane.ts';
import { admissible, blockerOf, canShare } from './lane.ts';

const kinds: readonly LaneKind[] = ['data', 'log', 'log-stream', 'log-deletion', 'logical', 'exclusive', 'none'];
const kind = fc.constantFrom(...kinds);
const entries = fc
  .array(kind, { maxLength: 12 })
  .map((list) => list.map((k, i): LaneEntry => ({ key: `r${String(i)}`, kind: k })));

test('says the same of a pair whichever way it is asked', () => {
  fc.assert(
    fc.property(kind, kind, (a, b) => {
      expect(canShare(a, b)).toBe(canShare(b, a));
    }),
  );
});

test('lets data, log and logical work go side by side, never two of a kind, and nothing beside exclusive', () => {
  const held: readonly LaneKind[] = ['data', 'log', 'logical', 'exclusive'];
  const allowed = held.flatMap((a) => held.filter((b) => canShare(a, b)).map((b) => `${a}+${b}`));
  expect(allowed).toEqual(['data+log', 'data+logical', 'log+data', 'log+logical', 'logical+data', 'logical+log']);
  expect(kinds.every((k) => canShare('none', k))).toBe(true);
});

test('K-080 lets log be deleted beside a stream, and neither beside a log backup', () => {
  expect(canShare('log-stream', 'log-deletion')).toBe(true);
  for (const kind of ['log-stream', 'log-deletion'] as const) {
    expect(canShare('log', kind)).toBe(false);
    expect(canShare(kind, kind)).toBe(false);
    expect(canShare('data', kind)).toBe(true);
    expect(canShare('exclusive', kind)).toBe(false);
  }
});

/** Plays a whole queue: admits what may enter, then ends the holder picked, until nobody waits. */
function play(waiting: readonly LaneEntry[], pick: (n: number) => number): { order: string[]; wasShared: boolean } {
  let left = [...waiting];
  let running: LaneEntry[] = [];
  const order: string[] = [];
  let wasShared = true;
  while (left.length > 0 || running.length > 0) {
    const entering = admissible(running, left);
    for (const entry of entering) {
      wasShared &&= running.every((r) => canShare(r.kind, entry.kind));
      running.push(entry);
      order.push(entry.key);
    }
    left = left.filter((entry) => !entering.includes(entry));
    const gone = pick(running.length);
    running = running.filter((_, i) => i !== gone);
  }
  return { order, wasShared };
}

test('never lets two incompatible runs in together and lets everyone in at last', () => {
  fc.assert(
    fc.property(entries, fc.nat(), (waiting, seed) => {
      const { order, wasShared } = play(waiting, (n) => seed % n);
      expect(wasShared).toBe(true);
      expect(new Set(order)).toEqual(new Set(waiting.map((e) => e.key)));
    }),
  );
});

test('keeps the order of asking between runs that exclude each other', () => {
  fc.assert(
    fc.property(entries, fc.nat(), (waiting, seed) => {
      const { order } = play(waiting, (n) => seed % n);
      for (const [i, a] of waiting.entries()) {
        for (const b of waiting.slice(i + 1)) {
          if (!canShare(a.kind, b.kind)) expect(order.indexOf(a.key)).toBeLessThan(order.indexOf(b.key));
        }
      }
    }),
  );
});

test('names the holder that keeps a request out', () => {
  expect(
    blockerOf('data', [
      { key: 'run_1', kind: 'log' },
      { key: 'run_2', kind: 'data' },
    ])?.key,
  ).toBe('run_2');
  expect(blockerOf('log', [{ key: 'run_2', kind: 'data' }])).toBeUndefined();
});
