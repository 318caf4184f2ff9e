import { expect, test } from 'vitest';
import { z } from 'zod';
import { openUnknownPart } from './unknown-part.ts';

const copy = z.object({ at: z.literal('copy'), directory: z.string() });
const old = z.object({ at: z.literal('old'), consent: z.string() });
const shape = z.object({
  kind: z.enum(['a', 'b']),
  options: z.object({ channels: z.number(), map: z.record(z.string(), z.object({ to: z.string() })) }).prefault({
    channels: 1,
    map: {},
  }),
  place: z.discriminatedUnion('at', [copy, old]).exactOptional(),
  tables: z.array(z.object({ name: z.string() })).default([]),
  pair: z.tuple([z.object({ first: z.number() }), z.string()]).exactOptional(),
  free: z.unknown(),
  loose: z.looseObject({ some: z.string() }).exactOptional(),
  named: z.object({ deep: z.boolean() }).meta({ id: 'UnknownPartSample' }).exactOptional(),
  text: z
    .string()
    .transform((text) => ({ text }))
    .exactOptional(),
});
const unknown = openUnknownPart(shape);

test('a value whose every part is known has none that is unknown, wherever any name may stand', () => {
  for (const value of [
    { kind: 'a', tables: [{ name: 'x' }], pair: [{ first: 1 }, 'x'], named: { deep: true }, text: 'x' },
    { options: { map: { any: { to: 'x' } } }, free: { a: { b: 1 } }, loose: { some: 'x', more: 1 } },
    { place: { at: 'copy', directory: '/x' } },
    ...['text', 4, null, undefined, [], [{ no: 1 }], {}],
  ])
    expect(unknown(value), JSON.stringify(value)).toBeUndefined();
});

test.each([
  [{ kid: 'a' }, 'kid', 'kind'],
  [{ options: { chanels: 2 } }, 'options.chanels', 'options.channels'],
  [{ channels: 2 }, 'channels', 'options.channels'],
  [{ options: { map: { any: { too: 'x' } } } }, 'options.map.any.too', 'options.map.any.to'],
  [{ tables: [{ name: 'x' }, { nam: 'y' }] }, 'tables.1.nam', 'tables.1.name'],
  [{ pair: [{ frist: 1 }, 'x'] }, 'pair.0.frist', 'pair.0.first'],
  [{ named: { depth: true } }, 'named.depth', 'named.deep'],
  [{ place: { at: 'copy', consent: 'x' } }, 'place.consent', 'place.consent'],
  [{ place: { at: 'old', dir: '/x' } }, 'place.dir', 'place.directory'],
  [{ constructor: 1 }, 'constructor', 'options'],
])('the unknown part of %j is %s, and what may be meant is named', (value, path, near) => {
  const found = unknown(value);
  expect(found?.path).toBe(path);
  if (path !== near && path !== 'constructor') expect(found?.near).toContain(near);
});
