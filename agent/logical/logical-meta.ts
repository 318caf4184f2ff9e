import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { logicalMetaKey } from '#core/format/object-key.ts';
import type { LogicalMeta } from '#core/logical/meta.ts';
import type { ObjectLock } from '#agent/codec/sealed-object.ts';
import { openParts, sealParts } from '#agent/codec/sealed-object.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { LogicalMetaReader, formatLogicalLines } from './meta-lines.ts';

const metaLevel = 3;
/** Lines are gathered into frames of about this many characters; a line never spans two. */
const metaFrameLength = 1024 * 1024;

const lockOf = (keys: SetKeys): ObjectLock => {
  const lock = { pool: keys.poolId, object: logicalMetaKey(keys.setId), kind: 'logical-meta' } as const;
  return keys.dataKey === undefined ? lock : { ...lock, key: keys.dataKey };
};

function* partsOf(lines: Iterable<string>): Iterable<Uint8Array> {
  let gathered: string[] = [];
  let length = 0;
  for (const line of lines) {
    gathered.push(line, '\n');
    length += line.length + 1;
    if (length < metaFrameLength) continue;
    yield Buffer.from(gathered.join(''));
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(gathered.join(''));
}

/** Stored bytes of the `meta` of a logical set. */
export const sealLogicalMeta = (keys: SetKeys, meta: LogicalMeta): Uint8Array =>
  sealParts(partsOf(formatLogicalLines(meta)), lockOf(keys), metaLevel);

/** Lines of parts, each of which holds whole ones. */
function* linesOf(parts: Iterable<Uint8Array>): Iterable<string> {
  for (const part of parts) {
    const text = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8');
    yield* text.split('\n').filter((line) => line !== '');
  }
}

/** Opens and checks a `meta` object. Throws `object_damaged` with the cause, `pool_format_newer`. */
export function openLogicalMeta(keys: SetKeys, stored: Uint8Array): LogicalMeta {
  const damaged = (what: string, cause?: unknown) =>
    fail('object_damaged', { pool: keys.poolId, object: logicalMetaKey(keys.setId), what }, cause);
  const reader = new LogicalMetaReader();
  let meta: LogicalMeta;
  try {
    for (const line of linesOf(openParts(stored, lockOf(keys)))) reader.read(line);
    meta = reader.finish();
  } catch (cause) {
    const isKnown =
      cause instanceof HoldfastError && (cause.code === 'object_damaged' || cause.code === 'pool_format_newer');
    throw isKnown ? cause : damaged('its lines cannot be read', cause);
  }
  if (meta.summary.setId !== keys.setId) throw damaged('it belongs to another set');
  return meta;
}
