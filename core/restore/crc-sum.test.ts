import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crc32cOver } from '../wal/crc32c.ts';
import { finishCrc, shiftCrc } from './crc-sum.ts';

const linear = (bytes: Uint8Array): number =>
  crc32cOver(0, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength) >>> 0;

test('K-089 sums of parts of a file, in any order and without its zeros, give the CRC-32C of the whole', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.nat(5000).map((n) => new Uint8Array(n)),
        ),
        { maxLength: 8 },
      ),
      fc.nat(),
      (parts, turn) => {
        const whole = Buffer.concat(parts);
        let at = 0;
        const placed = parts.map((part) => {
          at += part.length;
          return { part, end: at };
        });
        const order = [...placed.slice(turn % (parts.length + 1)), ...placed.slice(0, turn % (parts.length + 1))];
        const sum = order
          .filter(({ part }) => part.some((byte) => byte !== 0))
          .reduce((all, { part, end }) => all ^ shiftCrc(linear(part), whole.length - end), 0);
        expect(finishCrc(sum, whole.length)).toBe(crc32c(whole));
      },
    ),
  );
});

test('the check value of CRC-32C (RFC 3720) and a file of a gibibyte of zeros', () => {
  const digits = Buffer.from('123456789');
  expect(finishCrc(linear(digits), 9)).toBe(0xe3069283);
  let crc = finishCrc(0, 0);
  expect(crc).toBe(0);
  crc = finishCrc(shiftCrc(linear(digits), 1024 ** 3), 9 + 1024 ** 3);
  expect(shiftCrc(shiftCrc(linear(digits), 1000), 1024 ** 3 - 1000)).toBe(shiftCrc(linear(digits), 1024 ** 3));
  expect(crc).not.toBe(0);
});
