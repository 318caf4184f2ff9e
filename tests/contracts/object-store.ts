import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';

/** An adapter on an empty pool: `again` opens a second handle on the same place. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  again(): ObjectStore;
  close(): Promise<void>;
}

const key = (text: string): ObjectKey => parseObjectKey(text);
const keysOf = async (store: ObjectStore, prefix: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { key: name } of store.list(prefix)) found.push(name);
  return found;
};

/** The promises of the object port (core/ports/object-store.ts): every adapter runs them on a real store. */
export function testObjectStore(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let store: ObjectStore;
  beforeAll(async () => {
    under = await open();
    ({ store } = under);
  });
  afterAll(() => under.close());

  test('an object put is got back whole, also by another handle', async () => {
    const body = randomBytes(300_000);
    expect(await store.putIfAbsent(key('sets/a/piece-000001.bak'), body)).toBe('created');
    await store.barrier();
    const other = under.again();
    expect(Buffer.compare(await other.get(key('sets/a/piece-000001.bak')), body)).toBe(0);
    await other.close();
  });

  test('an existing object is never replaced, be the new body equal or not', async () => {
    await store.putIfAbsent(key('once'), Buffer.from('first'));
    expect(await store.putIfAbsent(key('once'), Buffer.from('second'))).toBe('exists');
    expect(await store.putIfAbsent(key('once'), Buffer.from('first'))).toBe('exists');
    expect(Buffer.from(await store.get(key('once'))).toString()).toBe('first');
  });

  test('of many who create one object at once exactly one does', async () => {
    const stores = Array.from({ length: 8 }, () => under.again());
    const outcomes = await Promise.all(
      stores.map((each, n) => each.putIfAbsent(key('race'), Buffer.alloc(100_000, n))),
    );
    const winner = outcomes.indexOf('created');
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    expect(Buffer.compare(await store.get(key('race')), Buffer.alloc(100_000, winner))).toBe(0);
    await Promise.all(stores.map((each) => each.close()));
  });

  test('a range is exactly the bytes asked for', async () => {
    const body = randomBytes(10_000);
    await store.putIfAbsent(key('range'), body);
    for (const [from, length] of [
      [0, 1],
      [0, 10_000],
      [9_999, 1],
      [123, 4_567],
      [5, 0],
    ] as const) {
      expect(Buffer.compare(await store.get(key('range'), { from, length }), body.subarray(from, from + length))).toBe(
        0,
      );
    }
  });

  test('a range past the end is object_short with both sizes', async () => {
    await store.putIfAbsent(key('short'), Buffer.alloc(100));
    for (const range of [
      { from: 90, length: 11 },
      { from: 100, length: 1 },
      { from: 500, length: 5 },
    ]) {
      await expect(store.get(key('short'), range)).rejects.toMatchObject({ code: 'object_short' });
    }
  });

  test('an object that is not there is object_missing, and undefined to head', async () => {
    await expect(store.get(key('sets/none/meta'))).rejects.toMatchObject({
      code: 'object_missing',
      params: { object: 'sets/none/meta' },
    });
    await expect(store.get(key('none'), { from: 0, length: 1 })).rejects.toMatchObject({ code: 'object_missing' });
    expect(await store.head(key('sets/none/meta'))).toBeUndefined();
    expect(await store.head(key('once/below'))).toBeUndefined();
  });

  test('head tells the size, also of an empty object', async () => {
    await store.putIfAbsent(key('empty'), new Uint8Array(0));
    expect(await store.head(key('empty'))).toEqual({ key: 'empty', sizeBytes: 0 });
    expect((await store.get(key('empty'))).length).toBe(0);
  });

  test('a listing has every object below the prefix once, in key order', async () => {
    const names = ['list/a.1', 'list/a/2', 'list/a/b/3', 'list/a-4', 'list/b'];
    for (const name of names) await store.putIfAbsent(key(name), Buffer.from(name));
    expect(await keysOf(store, 'list/')).toEqual([...names].sort());
    expect(await keysOf(store, 'list/a/')).toEqual(['list/a/2', 'list/a/b/3']);
    expect(await keysOf(store, 'list/a')).toEqual(['list/a-4', 'list/a.1', 'list/a/2', 'list/a/b/3']);
    expect(await keysOf(store, 'nothing/')).toEqual([]);
  });

  test('removing twice is fine and leaves the others', async () => {
    await store.putIfAbsent(key('gone/1'), Buffer.from('1'));
    await store.putIfAbsent(key('gone/2'), Buffer.from('2'));
    await store.remove([key('gone/1'), key('gone/never')]);
    await store.remove([key('gone/1')]);
    await store.barrier();
    expect(await keysOf(store, 'gone/')).toEqual(['gone/2']);
  });

  test('a barrier covers objects of other handles', async () => {
    const other = under.again();
    await other.putIfAbsent(key('barrier/1'), Buffer.from('1'));
    await store.barrier([key('barrier/1')]);
    await other.close();
  });

  test('a body of 32 MiB is one object', async () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 'holdfast');
    expect(await store.putIfAbsent(key('large'), body)).toBe('created');
    expect(await store.head(key('large'))).toEqual({ key: 'large', sizeBytes: body.length });
    expect(
      Buffer.compare(await store.get(key('large'), { from: body.length - 8, length: 8 }), Buffer.from('holdfast')),
    ).toBe(0);
  });
}
