import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatId, idAfter, parseId } from './id.ts';

const moment = fc.integer({ min: 0, max: 2 ** 47 });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });

test('an id after an earlier one is greater, whatever the clock did, and is the drawn one when that is', () => {
  fc.assert(
    fc.property(moment, random, moment, random, (before, a, now, b) => {
      const [earlier, drawn] = [formatId('batch', before, a), formatId('batch', now, b)];
      const next = idAfter('batch', earlier, drawn);
      expect(next > earlier).toBe(true);
      expect(parseId('batch', next)).toBe(next);
      if (drawn > earlier) expect(next).toBe(drawn);
      else expect(next.slice(-18)).toBe(drawn.slice(-18));
    }),
  );
});
