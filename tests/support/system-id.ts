import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresql } from '#core/engine/postgresql.ts';
import type { EngineFiles } from '#core/engine/profile.ts';
import { crc32c } from './crc32c.ts';
import { bug } from '#core/errors/fail.ts';

const longHeaderSystemId = 24;
const segmentName = /^[0-9A-F]{24}$/;

/** The CRC stands at the first multiple of four behind the fields at which it fits; its place differs by version. */
const crcOffset = (control: Buffer): number => {
  for (let at = 200; at < 400; at += 4) {
    if (crc32c(control.subarray(0, at)) === control.readUInt32LE(at)) return at;
  }
  throw bug('pg_control carries a CRC-32C');
};

/**
 * Gives a copy of a template cluster (never started since initdb) a system identifier of its own, so that two clusters of
 * one test are two clusters: in pg_control and in the long header of each log segment.
 */
export const renewSystemId = (
  dataDirectory: string,
  files: Pick<EngineFiles, 'control' | 'log'> = postgresql.files,
): void => {
  const id = randomBytes(8);
  id.writeUInt8(id.readUInt8(7) & 0x7f, 7);
  const controlPath = join(dataDirectory, files.control);
  const control = readFileSync(controlPath);
  const at = crcOffset(control);
  id.copy(control, 0);
  control.writeUInt32LE(crc32c(control.subarray(0, at)), at);
  writeFileSync(controlPath, control);
  const logFolder = join(dataDirectory, files.log);
  for (const name of readdirSync(logFolder).filter((entry) => segmentName.test(entry))) {
    const segment = readFileSync(join(logFolder, name));
    id.copy(segment, longHeaderSystemId);
    writeFileSync(join(logFolder, name), segment);
  }
};
