import { fail } from '../errors/fail.ts';

/** An object of foreign JSON whose fields are read one by one. `what` names it in errors. */
export interface Fields {
  readonly what: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (what: string, expected: string) =>
  fail('value_malformed', { text: what, what: 'record of a pool', expected });

/** Reads foreign JSON text or an already parsed value as an object. Throws `value_malformed`. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (!isRecord(value)) throw malformed(what, 'an object');
  return { what, values: value };
}

/** Parses JSON text. Throws `value_malformed` with the cause. */
export function parseJson(text: string, what: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw fail('value_malformed', { text: what, what: 'record of a pool', expected: 'JSON' }, cause);
  }
}

export function textField(fields: Fields, name: string): string {
  const value = fields.values[name];
  if (typeof value !== 'string') throw malformed(`${fields.what}.${name}`, 'a text');
  return value;
}

/** A whole number from 0 to 2^53. */
export function countField(fields: Fields, name: string): number {
  const value = fields.values[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw malformed(`${fields.what}.${name}`, 'a whole number');
  return value;
}

/** Lower-case hex of exactly `bytes` bytes. */
export function hexField(fields: Fields, name: string, bytes: number): string {
  const value = textField(fields, name);
  if (value.length !== bytes * 2 || !/^[0-9a-f]*$/.test(value))
    throw malformed(`${fields.what}.${name}`, `${String(bytes)} bytes in hex`);
  return value;
}

export const hasField = (fields: Fields, name: string): boolean => fields.values[name] !== undefined;
