import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeControlFile, controlFileBytes, decodeControlFile } from '#core/engine/control-file.ts';
import { parseLsn } from '#core/wal/lsn.ts';

interface Recorded {
  readonly first512: string;
  readonly [fact: string]: unknown;
}
/** Control files written by initdb of each version; the facts beside them are what that server's SQL functions said. */
const recorded = JSON.parse(readFileSync(new URL('control-files.json', import.meta.url), 'utf8')) as Record<
  string,
  Recorded
>;

function contentOf(file: Recorded): Uint8Array {
  const bytes = new Uint8Array(controlFileBytes);
  bytes.set(Buffer.from(file.first512, 'base64'));
  return bytes;
}

describe.each(Object.entries(recorded))('control file of PostgreSQL %s', (_major, file) => {
  test('says what the server says', () => {
    const decoded = decodeControlFile(contentOf(file), 'pg_control');
    expect({ ...decoded, first512: file.first512 }).toMatchObject(file);
    expect(decoded).toMatchObject({ pageBytes: 8192, pagesPerFile: 131072, minRecoveryLsn: '0/0' });
  });

  test('is refused after a change of any covered bit', () => {
    const damagedBits = fc.record({ byte: fc.integer({ min: 0, max: 287 }), bit: fc.integer({ min: 0, max: 7 }) });
    fc.assert(
      fc.property(damagedBits, ({ byte, bit }) => {
        const bytes = contentOf(file);
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
        expect(() => decodeControlFile(bytes, 'pg_control')).toThrow(/damaged|server version/);
      }),
    );
  });

  test('is told another begin and stays sound, all else as it was', () => {
    const lsn = parseLsn('1/2A000028');
    const minRecovery = { lsn, timeline: 3 };
    const changed = changeControlFile(contentOf(file), { state: 'in archive recovery', minRecovery }, 'pg_control');
    expect(decodeControlFile(changed, 'pg_control')).toEqual({
      ...decodeControlFile(contentOf(file), 'pg_control'),
      ...{ state: 'in archive recovery', minRecoveryLsn: lsn, minRecoveryTimeline: 3 },
    });
  });

  test('is refused when it is cut short', () => {
    expect(() => decodeControlFile(contentOf(file).subarray(0, 100), 'pg_control')).toThrow('it holds 100 bytes');
  });
});
