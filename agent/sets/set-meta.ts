import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { setSummaryShape } from '#core/settings/shape/committed.ts';
import type { SetMeta } from '#core/format/meta.ts';
import { createMetaReader, formatMetaLines } from '#core/format/meta-lines.ts';
import { metaFault } from '#core/format/meta-fault.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { ObjectLock } from '../codec/sealed-object.ts';
import { openParts, sealParts } from '../codec/sealed-object.ts';
import type { SetKeys } from './set-keys.ts';

/** Metadata is small beside its set and read whole: level 3 keeps the commit short. */
const metaLevel = 3;
/** Lines are gathered into frames of about this many bytes. */
const metaFrameBytes = 1024 * 1024;

const lockOf = (keys: SetKeys): ObjectLock => {
  const lock = { pool: keys.poolId, object: setMetaKey(keys.setId), kind: 'meta' } as const;
  return keys.dataKey === undefined ? lock : { ...lock, key: keys.dataKey };
};

/** Lines with their ends, joined into parts; a part never splits a line. */
function* partsOf(lines: Iterable<string>): Iterable<Uint8Array> {
  let gathered: string[] = [];
  let length = 0;
  for (const line of lines) {
    gathered.push(line, '\n');
    length += line.length + 1;
    if (length < metaFrameBytes) continue;
    yield Buffer.from(gathered.join(''));
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(gathered.join(''));
}

/** Stored bytes of the `meta` object. */
export const sealMeta = (keys: SetKeys, meta: SetMeta): Uint8Array =>
  sealParts(partsOf(formatMetaLines(meta)), lockOf(keys), metaLevel);

function readLines(keys: SetKeys, stored: Uint8Array): SetMeta {
  const reader = createMetaReader((value) => setSummaryShape.parse(value));
  for (const part of openParts(stored, lockOf(keys))) {
    const lines = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8').split('\n');
    for (const line of lines) if (line !== '') reader.read(line);
  }
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
