import { expect, test } from 'vitest';
import { parseLsn } from '../wal/lsn.ts';
import { manifestEnd, manifestText } from './backup-manifest.ts';

const request = {
  systemId: '7000000000000000001',
  files: [
    { path: 'backup_label', sizeBytes: 227, mtimeMs: 1_700_000_000_500, crc: 0x0a0b0c0d },
    { path: 'base/5/"odd"', sizeBytes: 0, mtimeMs: 0, crc: 0 },
  ],
  log: { timeline: 3, from: parseLsn('0/2000028'), to: parseLsn('0/2000138') },
};

test('K-089 up to 16 a manifest has version 1, its sums in the order of bytes of the server', () => {
  expect(`${[...manifestText({ ...request, serverMajor: 16 })].join('')}${manifestEnd('ab')}`).toBe(
    [
      '{ "PostgreSQL-Backup-Manifest-Version": 1,',
      '"Files": [',
      '{ "Path": "backup_label", "Size": 227, "Last-Modified": "2023-11-14 22:13:20 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "0d0c0b0a" },',
      '{ "Path": "base/5/\\"odd\\"", "Size": 0, "Last-Modified": "1970-01-01 00:00:00 GMT", "Checksum-Algorithm": "CRC32C", "Checksum": "00000000" }',
      '],',
      '"WAL-Ranges": [',
      '{ "Timeline": 3, "Start-LSN": "0/2000028", "End-LSN": "0/2000138" }',
      '],',
      '"Manifest-Checksum": "ab"}',
      '',
    ].join('\n'),
  );
});

test('K-089 from 17 on it has version 2 and names the system', () => {
  const text = [...manifestText({ ...request, serverMajor: 17 })].join('');
  expect(text).toContain(
    '{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 7000000000000000001,\n"Files"',
  );
});
