import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { IncomingLog } from './incoming-log.ts';
import { parseFromServer, statusMessage } from './replication-message.ts';

const segmentBytes = 64;
const clock = { nowMs: () => 0 };

test('log that comes in any pieces fills the same segments and the same tail', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, (all) => {
      const incoming = new IncomingLog(segmentBytes * 3, segmentBytes, clock);
      for (const bytes of all) incoming.onLog(incoming.received, bytes);
      const tail = incoming.tail();
      const whole = Buffer.concat(all);
      const full = incoming.full.map(({ bytes }) => bytes);
      const filled = whole.length % segmentBytes;
      expect(Buffer.concat([...full, ...(tail === undefined ? [] : [tail.bytes.subarray(0, filled)])])).toEqual(whole);
      expect(incoming.full.map(({ from }) => from)).toEqual(full.map((_, i) => segmentBytes * (3 + i)));
      expect(tail?.bytes.subarray(filled).every((byte) => byte === 0) ?? true).toBe(true);
    }),
  );
});

test('log out of order is not taken, and remembered', () => {
  const incoming = new IncomingLog(0, segmentBytes, clock);
  incoming.onLog(0, new Uint8Array(10));
  incoming.onLog(20, new Uint8Array(10));
  expect(incoming).toMatchObject({ received: 10, strayAt: 20 });
});

test('messages of the replication protocol are read and written as the manual lays them out', () => {
  const log = Buffer.alloc(25 + 3);
  log.write('w');
  log.writeBigUInt64BE(0x1_0000_0010n, 1);
  log.set([7, 8, 9], 25);
  expect(parseFromServer(log)).toEqual({ kind: 'log', from: 0x1_0000_0010, bytes: Buffer.from([7, 8, 9]) });
  const alive = Buffer.alloc(18);
  alive.write('k');
  alive[17] = 1;
  expect(parseFromServer(alive)).toEqual({ kind: 'alive', wantsReply: true });
  expect(parseFromServer(Buffer.from('x'))).toBeUndefined();
  const status = Buffer.from(
    statusMessage({ received: 0x200, durable: 0x100, atMs: 946_684_800_001, wantsReply: true }),
  );
  expect(status.toString('latin1', 0, 1)).toBe('d');
  expect(status.readUInt32BE(1)).toBe(status.length - 1);
  expect(status.toString('latin1', 5, 6)).toBe('r');
  expect([6, 14, 22, 30].map((at) => status.readBigInt64BE(at))).toEqual([0x200n, 0x100n, 0n, 1000n]);
  expect(status[38]).toBe(1);
});
