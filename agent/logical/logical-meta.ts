import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { logicalMetaKey } from '#core/format/object-key.ts';
import type { LogicalMeta } from '#core/logical/meta.ts';
import type { ObjectLock } from '#agent/codec/sealed-object.ts';
import { openParts, sealParts } from '#agent/codec/sealed-object.ts';
import { linesOfParts, metaLevel, partsOf } from '#agent/sets/meta-parts.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';
import { LogicalMetaReader, formatLogicalLines } from './meta-lines.ts';

const lockOf = (keys: SetKeys): ObjectLock => {
  const lock = { pool: keys.poolId, object: logicalMetaKey(keys.setId), kind: 'logical-meta' } as const;
  return keys.dataKey === undefined ? lock : { ...lock, key: keys.dataKey };
};

/** Stored bytes of the `meta` of a logical set. */
export const sealLogicalMeta = (keys: SetKeys, meta: LogicalMeta): Uint8Array =>
  sealParts(partsOf(formatLogicalLines(meta)), lockOf(keys), metaLevel);

/** Opens and checks a `meta` object. Throws `object_damaged` with the cause, `pool_format_newer`. */
export function openLogicalMeta(keys: SetKeys, stored: Uint8Array): LogicalMeta {
  const damaged = (what: string, cause?: unknown) =>
    fail('object_damaged', { pool: keys.poolId, object: logicalMetaKey(keys.setId), what }, cause);
  const reader = new LogicalMetaReader();
  let meta: LogicalMeta;
  try {
    for (const line of linesOfParts(openParts(stored, lockOf(keys)))) reader.read(line);
    meta = reader.finish();
  } catch (cause) {
    const isKnown =
      cause instanceof HoldfastError && (cause.code === 'object_damaged' || cause.code === 'pool_format_newer');
    throw isKnown ? cause : damaged('its lines cannot be read', cause);
  }
  if (meta.summary.setId !== keys.setId) throw damaged('it belongs to another set');
  return meta;
}
