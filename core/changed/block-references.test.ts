import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../errors/holdfast-error.ts';
import { parseLsn } from '../wal/lsn.ts';
import { BlockReferences, joinReferences } from './block-references.ts';
import type { ReferencesOfLog } from './block-references.ts';
import { BlockSet } from './block-set.ts';
import { formatReferenceLines, parseReferenceLines } from './reference-lines.ts';

const block = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 131_000, max: 140_000 }),
  fc.integer({ min: 4_294_960_000, max: 4_294_967_294 }),
);
const reference = fc.record({
  tablespace: fc.constantFrom(1663, 1664, 16_400),
  database: fc.constantFrom(0, 5, 16_384),
  number: fc.constantFrom(1259, 16_385, 4_294_967_295),
  fork: fc.constantFrom(0, 1, 2, 3),
  block,
});
const event = fc.oneof(
  { weight: 9, arbitrary: reference.map((each) => ({ kind: 'block' as const, ...each })) },
  { weight: 1, arbitrary: reference.map((each) => ({ kind: 'limit' as const, ...each })) },
  { weight: 1, arbitrary: reference.map((each) => ({ kind: 'database' as const, ...each })) },
  { weight: 1, arbitrary: reference.map((each) => ({ kind: 'unlisted' as const, ...each })) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function tell(references: BlockReferences, events: readonly Event[]): BlockReferences {
  for (const each of events) {
    if (each.kind === 'block') references.block(each);
    else if (each.kind === 'limit') references.limit(each);
    else if (each.kind === 'database') references.database(each.tablespace, each.database);
    else references.unlisted(each.block, 'minimal');
  }
  return references;
}

const over = (references: BlockReferences): ReferencesOfLog => ({
  from: parseLsn('0/2000028'),
  to: parseLsn('1/0'),
  references,
});
/** Everything that is known, in one order; blocks behind a limit do not count. */
const contentOf = (known: ReferencesOfLog): string[] => [...formatReferenceLines(known)].sort();

describe('sets of blocks', () => {
  test('ranges are exactly the blocks that were added, joined and in order, within any bounds', () => {
    fc.assert(
      fc.property(fc.array(block), block, block, (blocks, a, b) => {
        const set = new BlockSet();
        for (const each of blocks) set.add(each);
        const [from, to] = a < b ? [a, b] : [b, a];
        const expected = [...new Set(blocks)].filter((each) => each >= from && each < to).sort((x, y) => x - y);
        const ranges = set.ranges(from, to);
        expect(
          ranges.flatMap((range) => Array.from({ length: range.to - range.from }, (_, i) => range.from + i)),
        ).toEqual(expected);
        expect(ranges.every((range, i) => range.from > (ranges[i - 1]?.to ?? -1))).toBe(true);
      }),
    );
  });

  test('long ranges come back as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9000 }), { minLength: 1, maxLength: 8 }), (steps) => {
        const set = new BlockSet();
        const ranges = [];
        let at = 0;
        for (const step of steps) {
          ranges.push({ from: at + 1, to: at + 2 + step });
          at += 3 + step;
        }
        for (const range of ranges) set.addRange(range);
        expect(set.ranges()).toEqual(ranges);
      }),
    );
  });
});

describe('block references', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const known = over(tell(new BlockReferences(), events));
        const lines = [...formatReferenceLines(known)];
        const read = parseReferenceLines(lines, 'x');
        expect([read.from, read.to]).toEqual([known.from, known.to]);
        expect(contentOf(read)).toEqual([...lines].sort());
      }),
    );
  });

  test('merged references are those of all log at once, in whatever order they are merged', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (first, second) => {
        const whole = tell(new BlockReferences(), [...first, ...second]);
        const [a, b] = [tell(new BlockReferences(), first), tell(new BlockReferences(), second)];
        const backwards = tell(new BlockReferences(), second);
        backwards.merge(a);
        a.merge(b);
        expect(contentOf(over(a))).toEqual(contentOf(over(whole)));
        expect(contentOf(over(backwards))).toEqual(contentOf(over(whole)));
      }),
    );
  });

  test('stretches with a hole between them are not joined', () => {
    const stretch = (from: string, to: string): ReferencesOfLog => ({
      from: parseLsn(from),
      to: parseLsn(to),
      references: new BlockReferences(),
    });
    expect(joinReferences(stretch('0/1', '0/500'), stretch('0/500', '0/900'))).toMatchObject({
      from: '0/1',
      to: '0/900',
    });
    expect(joinReferences(stretch('0/1', '0/500'), stretch('0/508', '0/900'))).toBeUndefined();
  });

  test('lines that are cut, longer than their end says, or of unknown kinds are refused', () => {
    const known = over(
      tell(new BlockReferences(), [{ kind: 'block', tablespace: 1663, database: 5, number: 1259, fork: 0, block: 4 }]),
    );
    const lines = [...formatReferenceLines(known)];
    const [head = '', fork = '', end = ''] = lines;
    const bad = [
      [],
      [head],
      [head, fork],
      [head, end],
      [fork, end],
      [head, fork, fork, end],
      [head, fork, end, fork],
      [head, '["new",1]', fork, end],
      [head, '["fork",1,2,3,0,-1,[1]]', end],
      [head, '["fork",1,2,3,0,-1,[4294967290,10]]', end],
      [head, '["fork",1,2,-3,0,-1,[1,1]]', end],
      [head, '["fork",1,2,3.5,0,-1,[1,1]]', end],
      ['{}'],
      ['not json'],
    ];
    for (const each of bad) expect(() => parseReferenceLines(each, 'object x')).toThrow(HoldfastError);
    expect(() => parseReferenceLines(['["references",2,"0/1","0/2"]'], 'object x')).toThrow(
      expect.objectContaining({ code: 'pool_format_newer' }),
    );
  });
});
