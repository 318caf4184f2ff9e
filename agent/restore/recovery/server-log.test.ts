import { expect, test } from 'vitest';
import { streamBegan } from './server-log.ts';

const began = '10:00:00 UTC [1] LOG:  started streaming WAL from primary at 0/4000000 on timeline 1\n';
const failed = '10:00:05 UTC [1] FATAL:  could not receive data from WAL stream: server closed the connection\n';

test('K-089 a standby of a primary that writes nothing streams, one whose receiver failed does not', () => {
  expect(streamBegan(`10:00:00 UTC [2] LOG:  redo starts at 0/2000028\n${began}`)).toBe('0/4000000');
  expect(streamBegan(`${began}${failed}`)).toBeUndefined();
  expect(streamBegan(`${began}${failed}${began.replace('0/4', '0/5')}`)).toBe('0/5000000');
  expect(streamBegan('')).toBeUndefined();
});
