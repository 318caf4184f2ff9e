import { expect, test } from 'vitest';
import { z } from 'zod';
import { isPart, nearParts, partsOf } from './known-parts.ts';

const shape = z.object({
  kind: z.literal('sample'),
  options: z
    .object({ channels: z.number(), limits: z.object({ transfer: z.number() }), map: z.record(z.string(), z.string()) })
    .default({ channels: 1, limits: { transfer: 0 }, map: {} }),
  place: z.union([
    z.object({ at: z.literal('copy'), directory: z.string() }),
    z.object({ at: z.literal('old'), consent: z.string() }),
  ]),
  tables: z.array(z.object({ name: z.string() })),
  named: z.object({ deep: z.boolean() }).meta({ id: 'KnownPartsSample' }),
});

test('the parts of a shape are those of all its forms, and of what has a name of its own', () => {
  expect([...partsOf(shape)].sort()).toEqual(
    [
      ...['kind', 'named', 'named.deep', 'options', 'options.channels', 'options.limits', 'options.limits.transfer'],
      ...['options.map', 'options.map.*', 'place', 'place.at', 'place.consent', 'place.directory', 'tables'],
    ].sort(),
  );
});

test('a path is a part, or is not; where any name may stand every name is', () => {
  const parts = partsOf(shape);
  for (const path of ['kind', 'options.channels', 'options.map.16385']) expect(isPart(parts, path), path).toBe(true);
  for (const path of ['channels', 'options.chanels', 'tables.name', 'map', ''])
    expect(isPart(parts, path), path).toBe(false);
});

test('what was meant is among the near parts', () => {
  const parts = partsOf(shape);
  expect(nearParts(parts, 'channels')[0]).toBe('options.channels');
  expect(nearParts(parts, 'options.chanels')[0]).toBe('options.channels');
  expect(nearParts(parts, 'options.Limits.transfr')[0]).toBe('options.limits.transfer');
  expect(nearParts(parts, 'place.dir')).toContain('place.directory');
});
