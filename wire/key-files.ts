import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { KeyRing } from './key-ring.ts';
import type { PayloadKey } from './payload-key.ts';
import { parsePayloadKey } from './payload-key.ts';

/** Payload keys below the home of the control plane, each 0600: the one that seals, and the older ones, newest first. */
export const payloadKeyFiles = (home: string) => ({
  active: join(home, 'payload.key'),
  older: join(home, 'payload-older.keys'),
});

/** All keys of a home, the active one first. Throws `key_missing`, `key_unsafe`, `value_malformed`. */
export function readPayloadKeys(home: string): readonly [PayloadKey, ...PayloadKey[]] {
  const files = payloadKeyFiles(home);
  const active = parsePayloadKey(readPrivate(files.active));
  const lines = isThere(files.older) ? readPrivate(files.older).split('\n') : [];
  return [active, ...lines.filter((line) => line.trim() !== '').map(parsePayloadKey)];
}

/** The keys of a home as they are now: a rotation is in force at once, without a restart of the process. */
export function openKeyFiles(home: string): KeyRing {
  const { active } = payloadKeyFiles(home);
  let keys = readPayloadKeys(home);
  let seen = versionOf(active);
  const refresh = (): void => {
    const now = versionOf(active);
    if (now === seen) return;
    keys = readPayloadKeys(home);
    seen = now;
  };
  return {
    active: () => {
      refresh();
      return keys[0];
    },
    find: (id) => {
      refresh();
      return Promise.resolve(keys.find((key) => key.id === id));
    },
  };
}

/** Another file under the same name has another number. */
function versionOf(file: string): string {
  const { ino, mtimeMs } = statSync(file);
  return `${String(ino)}:${String(mtimeMs)}`;
}

const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;

function readPrivate(file: string): string {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status === undefined) throw fail('key_missing', { file });
  if ((status.mode & 0o077) !== 0) throw fail('key_unsafe', { file });
  return readFileSync(file, 'utf8');
}
