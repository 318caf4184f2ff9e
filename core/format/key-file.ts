import { fail } from '../errors/fail.ts';
import type { PoolId } from '../id.ts';
import { parseId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { parseInstant } from '../instant.ts';
import { countField, fieldsOf, hexField, parseJson, textField } from './fields.ts';
import type { ScryptOfPool } from './pool-file.ts';
import { parseScrypt } from './pool-file.ts';

/**
 * A later key of an encrypted pool (docs/format.md §12): version 1 is made from `holdfast.json`, each rotation adds an object
 * with the next number. Whoever has the newest passphrase reaches every key before.
 */
export interface KeyFile {
  /** Number of docs/format.md §1, part keys. */
  readonly format: number;
  readonly poolId: PoolId;
  /** From 2. */
  readonly version: number;
  readonly createdAt: Instant;
  readonly scrypt: ScryptOfPool;
  /** The pool key of the version before, wrapped: 60 bytes in hex. */
  readonly previousKey: string;
}

/** The three parts of the text: body, SHA-256 of the body, its MAC under the pool key of this version. */
export interface KeyFileParts {
  readonly body: string;
  readonly sha256: string;
  readonly mac: string;
}

/** Nonce, key and tag. */
const wrappedBytes = 60;
const shape = /^\{"key":(\{.*\}),"sha256":"([0-9a-f]{64})","mac":"([0-9a-f]{64})"\}\n$/s;

/** Body text of a key file: the bytes that are hashed. */
export const formatKeyBody = (file: KeyFile): string => JSON.stringify(file);
export const formatKeyFile = ({ body, sha256, mac }: KeyFileParts): string =>
  `{"key":${body},"sha256":"${sha256}","mac":"${mac}"}\n`;

/** Splits the text of a key file; undefined when it is not of that shape. */
export function splitKeyFile(text: string): KeyFileParts | undefined {
  const found = shape.exec(text);
  return found === null ? undefined : { body: found[1] ?? '', sha256: found[2] ?? '', mac: found[3] ?? '' };
}

/** Parses a body whose hash was checked. Throws `value_malformed`. */
export function parseKeyBody(body: string): KeyFile {
  const fields = fieldsOf(parseJson(body, 'key file'), 'key');
  const version = countField(fields, 'version');
  if (version < 2)
    throw fail('value_malformed', { text: String(version), what: 'version of a pool key', expected: '2 or more' });
  return {
    ...{ format: countField(fields, 'format'), poolId: parseId('pool', textField(fields, 'poolId')), version },
    createdAt: parseInstant(textField(fields, 'createdAt')),
    scrypt: parseScrypt(fields.values['scrypt'], 'key.scrypt'),
    previousKey: hexField(fields, 'previousKey', wrappedBytes),
  };
}
