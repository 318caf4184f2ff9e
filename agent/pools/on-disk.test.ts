import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { isOnDisk } from './on-disk.ts';

test.each([0, 1, 4096, 1_048_576, 2_500_001])(
  'a file of %i bytes is compared as the disk holds it, to its last byte',
  (length) => {
    const folder = mkdtempSync(join(tmpdir(), 'hf-on-disk-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'object');
    const bytes = randomBytes(length);
    writeFileSync(path, bytes);
    const other = Buffer.from(bytes);
    if (length > 0) other.writeUInt8(other.readUInt8(length - 1) ^ 1, length - 1);
    expect([isOnDisk(path, bytes), isOnDisk(path, Buffer.concat([bytes, Buffer.from('x')]))]).toEqual([true, false]);
    if (length > 0) expect([isOnDisk(path, other), isOnDisk(path, bytes.subarray(1))]).toEqual([false, false]);
  },
);
