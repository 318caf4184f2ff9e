import { fail } from '../errors/fail.ts';
import type { PoolId } from '../id.ts';
import { parseId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { parseInstant } from '../instant.ts';
import { countField, fieldsOf, hasField, hexField, parseJson, textField } from './fields.ts';

/** How a pool key is made from a passphrase (RFC 7914); `salt` is 16 bytes in hex. */
export interface ScryptOfPool {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
}

/** What `holdfast.json` says about a pool (docs/format.md §2). */
export interface PoolFile {
  readonly format: number;
  readonly poolId: PoolId;
  readonly createdAt: Instant;
  /** Present exactly in encrypted pools: how the pool key is made from the passphrase. */
  readonly scrypt?: ScryptOfPool;
  /** Days for which writers protect every object that they put; absent: none. */
  readonly immutableDays?: number;
}

/** The three parts of the file text: body, SHA-256 of the body, and in encrypted pools its MAC under the pool key. */
export interface PoolFileParts {
  readonly body: string;
  readonly sha256: string;
  readonly mac: string;
}

const shape = /^\{"pool":(\{.*\}),"sha256":"([0-9a-f]{64})","mac":"([0-9a-f]{64}|)"\}\n$/s;

/** Body text of a pool file: the bytes that are hashed. */
export const formatPoolBody = (file: PoolFile): string => JSON.stringify(file);
export const formatPoolFile = ({ body, sha256, mac }: PoolFileParts): string =>
  `{"pool":${body},"sha256":"${sha256}","mac":"${mac}"}\n`;

/** Splits the text of `holdfast.json`; undefined when it is not of that shape. */
export function splitPoolFile(text: string): PoolFileParts | undefined {
  const found = shape.exec(text);
  return found === null ? undefined : { body: found[1] ?? '', sha256: found[2] ?? '', mac: found[3] ?? '' };
}

const within = (value: number, from: number, to: number): boolean => value >= from && value <= to;

/** Parses a body whose hash was checked. Throws `value_malformed`; scrypt cost is bounded so that a file cannot exhaust memory. */
export function parsePoolBody(body: string): PoolFile {
  const fields = fieldsOf(parseJson(body, 'holdfast.json'), 'pool');
  const head = {
    format: countField(fields, 'format'),
    poolId: parseId('pool', textField(fields, 'poolId')),
    createdAt: parseInstant(textField(fields, 'createdAt')),
  };
  return {
    ...head,
    ...(hasField(fields, 'scrypt') ? { scrypt: parseScrypt(fields.values['scrypt'], 'pool.scrypt') } : {}),
    ...(hasField(fields, 'immutableDays') ? { immutableDays: countField(fields, 'immutableDays') } : {}),
  };
}

/** Parses the parameters of a key; `what` names them in errors. Throws `value_malformed`. */
export function parseScrypt(value: unknown, what: string): ScryptOfPool {
  const scrypt = fieldsOf(value, what);
  const cost = { n: countField(scrypt, 'n'), r: countField(scrypt, 'r'), p: countField(scrypt, 'p') };
  const isBounded = within(cost.n, 1024, 1048576) && within(cost.r, 1, 16) && within(cost.p, 1, 16);
  if (!isBounded)
    throw fail('value_malformed', {
      text: JSON.stringify(cost),
      what: 'scrypt cost',
      expected: 'n 2^10–2^20, r 1–16, p 1–16',
    });
  return { ...cost, salt: hexField(scrypt, 'salt', 16) };
}
