// Frames and sealed objects as the reference readers open them (docs/format.md §3 and §4).
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decompress } from 'zstd-napi';
import { decrypt, hkdf, sha256, stop } from './pool-keys.mjs';

export const withFile = (path, flags, use) => { const fd = openSync(path, flags, 0o600); use(fd); closeSync(fd); };

/** §3: one frame; `place` is the text bound into its tag. */
export function openFrame(frame, key, place) {
  if (frame.toString('latin1', 0, 4) !== 'HFFR' || frame[4] !== 1) stop(`no frame of version 1 at ${place}`);
  const [flags, rawBytes, payloadBytes] = [frame[5], frame.readUInt32LE(20), frame.readUInt32LE(24)];
  if (frame.length !== 28 + payloadBytes) stop(`a cut frame at ${place}`);
  if (((flags & 2) !== 0) !== (key !== undefined)) stop(`a frame that is not sealed like its pool at ${place}`);
  const aad = Buffer.concat([frame.subarray(0, 28), Buffer.from(place)]);
  const payload = key === undefined ? frame.subarray(28) : decrypt(key, frame.subarray(8, 20), aad, frame.subarray(28));
  const raw = (flags & 1) === 0 ? payload : decompress(payload);
  return raw.length === rawBytes ? raw : stop(`a wrong raw length at ${place}`);
}

/** §4: the raw content of a sealed object, frame by frame. */
export function* openObject(pool, poolId, name, kind, baseKey) {
  const bytes = readFileSync(join(pool, name));
  const end = bytes.length - 32;
  if (end < 52 || sha256(bytes.subarray(0, end)) !== bytes.toString('hex', end)) stop(`${name} is damaged`);
  if (bytes.toString('latin1', 0, 4) !== 'HFOB' || bytes[4] !== 1) stop(`${name} is no object of version 1`);
  const key = baseKey && hkdf(baseKey, bytes.subarray(8, 24), `holdfast object 1 ${kind}`);
  let isLast = false;
  for (let at = 24, counter = 0n; at < end; counter++) {
    const next = at + 28 + bytes.readUInt32LE(at + 24);
    if (isLast || bytes.readBigUInt64LE(at + 12) !== counter) stop(`${name} has frames out of order`);
    isLast = (bytes[at + 5] & 4) !== 0;
    yield openFrame(bytes.subarray(at, next), key, `${poolId}\n${name}\n${at}`);
    at = next;
  }
  if (!isLast) stop(`${name} lacks its last frame`);
}

/** §4: the data key of a set, unwrapped by the key of the version in which the set began. */
export function dataKeyOf(pool, poolId, poolKeys, set, prefix = 'sets') {
  if (poolKeys === undefined) return undefined;
  const { wrappedKey } = JSON.parse(Buffer.concat([...openObject(pool, poolId, `${prefix}/${set}/start`, 'start')]).toString());
  const wrapped = Buffer.from(wrappedKey, 'hex');
  for (const poolKey of poolKeys) {
    try {
      return decrypt(hkdf(poolKey, '', 'holdfast set key 1'), wrapped.subarray(0, 12), Buffer.from(`${poolId}\n${set}`), wrapped.subarray(12));
    } catch { /* that of another version */ }
  }
  return stop(`the data key of ${set} is not authentic`);
}

/** Reads, checks and opens a frame of a piece whose place and SHA-256 are known from `meta`. */
export function readFrame({ pool, poolId, name, attempt, dataKey }, [offset, storedBytes, rawBytes, digest]) {
  const stored = Buffer.alloc(storedBytes);
  withFile(join(pool, name), 'r', (fd) => readSync(fd, stored, 0, storedBytes, offset));
  if (sha256(stored) !== digest) stop(`${name} is damaged at ${offset}`);
  const raw = openFrame(stored, dataKey && hkdf(dataKey, attempt, 'holdfast piece 1'), `${poolId}\n${name}\n${offset}`);
  return raw.length === rawBytes ? raw : stop(`${name} has a wrong frame at ${offset}`);
}
