import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { collect, itemsOf } from './collect.ts';

const stalled = () => fail('pool_unreachable', { pool: 'far', why: 'getting x brought nothing for 0 s' });

test('a body that stops moving is given up and its connection closed', async () => {
  const body = new PassThrough();
  body.write('begin');
  await expect(collect(body, 20, stalled)).rejects.toMatchObject({ code: 'pool_unreachable' });
  expect(body.destroyed).toBe(true);
});

test('a body that ends is given whole', async () => {
  const body = Readable.from([Buffer.from('ab'), Buffer.from('c')]);
  expect((await collect(body, 60_000, stalled)).toString()).toBe('abc');
});

test('a listing that stops moving is given up; the time that its reader takes does not count', async () => {
  const items = new PassThrough({ objectMode: true });
  items.write('a');
  const told = itemsOf(items, 40, stalled);
  expect(await told.next()).toEqual({ done: false, value: 'a' });
  await new Promise((resolve) => setTimeout(resolve, 120));
  items.write('b');
  expect(await told.next()).toEqual({ done: false, value: 'b' });
  await expect(told.next()).rejects.toMatchObject({ code: 'pool_unreachable' });
  expect(items.destroyed).toBe(true);
});
