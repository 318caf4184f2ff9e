import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import type { SetMeta, SetToCommit } from '#core/format/meta.ts';
import { createMetaReader, formatMetaLines } from '#core/format/meta-lines.ts';
import { metaFault } from '#core/format/meta-fault.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { ObjectLock } from '../codec/sealed-object.ts';
import { openParts, sealParts } from '../codec/sealed-object.ts';
import { linesOfParts, metaLevel, partsOf } from './meta-parts.ts';
import type { SetKeys } from './set-keys.ts';

const lockOf = (keys: SetKeys): ObjectLock => {
  const lock = { pool: keys.poolId, object: setMetaKey(keys.setId), kind: 'meta' } as const;
  return keys.dataKey === undefined ? lock : { ...lock, key: keys.dataKey };
};

/** Stored bytes of the `meta` object. */
export const sealMeta = (keys: SetKeys, meta: SetToCommit): Uint8Array =>
  sealParts(partsOf(formatMetaLines(meta)), lockOf(keys), metaLevel);

function readLines(keys: SetKeys, stored: Uint8Array): SetMeta {
  const reader = createMetaReader((value) => setSummaryShape.parse(value));
  for (const line of linesOfParts(openParts(stored, lockOf(keys)))) reader.read(line);
  return reader.finish();
}

/** Opens and checks a `meta` object. Throws `object_damaged` with the cause, `pool_format_newer`. */
export function openMeta(keys: SetKeys, stored: Uint8Array): SetMeta {
  const damaged = (what: string, cause?: unknown) =>
    fail('object_damaged', { pool: keys.poolId, object: setMetaKey(keys.setId), what }, cause);
  let meta: SetMeta;
  try {
    meta = readLines(keys, stored);
  } catch (cause) {
    const isKnown =
      cause instanceof HoldfastError && (cause.code === 'object_damaged' || cause.code === 'pool_format_newer');
    throw isKnown ? cause : damaged('its lines cannot be read', cause);
  }
  if (meta.summary.setId !== keys.setId) throw damaged('it belongs to another set');
  const fault = metaFault(meta);
  if (fault !== undefined) throw damaged(fault);
  return meta;
}
