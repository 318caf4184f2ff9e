import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, cutToEnd, jsonText, storableText } from './text.ts';

/** Texts with signs of two units, halves of them, NUL, backslashes and what looks like an escape. */
const odd = fc.array(fc.constantFrom('a', 'é', '🍎', '\ud83d', '\udf4e', '\0', '\\', '"', 'u0000', 'ud83d', '\n'));
const texts = odd.map((parts) => parts.join(''));
const wellFormed = fc.string({ unit: 'binary' });
const hasHalf = (text: string): boolean => /\p{Cs}/u.test(text);

test('a cut text is a beginning, or an end, of at most the length, and never splits a pair', () => {
  fc.assert(
    fc.property(wellFormed, fc.nat(20), (text, most) => {
      const [begin, end] = [cutText(text, most), cutToEnd(text, most)];
      expect(text.startsWith(begin)).toBe(true);
      expect(text.endsWith(end)).toBe(true);
      for (const cut of [begin, end]) {
        expect(hasHalf(cut)).toBe(false);
        expect(cut.length).toBeLessThanOrEqual(most);
        expect(cut.length).toBeGreaterThanOrEqual(Math.min(text.length, most - 1));
      }
    }),
  );
  expect([cutText('ab🍎', 3), cutText('ab🍎', 4), cutToEnd('🍎ab', 3), cutToEnd('🍎ab', 4)]).toEqual([
    ...['ab', 'ab🍎', 'ab', '🍎ab'],
  ]);
});

test('JSON that is stored holds no half of a pair and no NUL, in keys neither, and loses nothing else', () => {
  fc.assert(
    fc.property(texts, texts, (key, text) => {
      const stored: unknown = JSON.parse(jsonText({ [`k${key}`]: [text, 1, null] }));
      expect(stored).toEqual({ [`k${storableText(key)}`]: [storableText(text), 1, null] });
      expect(hasHalf(storableText(text))).toBe(false);
      expect(storableText(text)).not.toContain('\0');
      expect(storableText(text)).toHaveLength(text.length);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/\\u(?:0000|d[89a-f])/.test(text));
      expect(jsonText(value)).toBe(text);
      expect(jsonText(value, 1)).toBe(JSON.stringify(value, undefined, 1));
    }),
  );
});
