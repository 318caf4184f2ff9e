import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedRuns } from './changed-runs.ts';

test('D-023 neighbouring changed pages become one run, and runs and rest cover the stretch', () => {
  const stretch = fc.record({
    flags: fc.array(fc.constantFrom(0, 1), { maxLength: 40 }),
    tail: fc.nat(7),
    first: fc.nat(9),
  });
  fc.assert(
    fc.property(stretch, ({ flags, tail, first }) => {
      const pageBytes = 8;
      const from = first * pageBytes;
      const length = flags.length * pageBytes + tail;
      const { changed, same } = changedRuns({ from, length, pageBytes, flags: Uint8Array.from(flags) });
      const marks = new Array<string>(length).fill('');
      for (const [name, spans] of [
        ['changed', changed],
        ['same', same],
      ] as const)
        for (const span of spans) marks.fill(name, span.from - from, span.from - from + span.length);
      const expected = Array.from({ length }, (_, byte) =>
        flags[Math.floor(byte / pageBytes)] === 0 ? 'same' : 'changed',
      );
      expect(marks).toEqual(expected);
      const all = [...changed.map((s) => ({ ...s, is: 1 })), ...same.map((s) => ({ ...s, is: 0 }))];
      const inOrder = all.sort((a, b) => a.from - b.from);
      expect(inOrder.every((span, i) => span.is !== inOrder[i + 1]?.is)).toBe(true);
    }),
  );
});
