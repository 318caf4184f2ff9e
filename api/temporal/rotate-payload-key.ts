import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { payloadKeyFiles, readPayloadKeys } from '#wire/key-files.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { formatPayloadKey, payloadKeyOf } from '#wire/payload-key.ts';

/**
 * `holdfast init --rotate-payload-key`: from here on a new key seals what goes through Temporal; the older ones still open
 * what they sealed. The old key is among the older ones before the new one takes its name, so a crash between the two loses
 * none. Throws `key_missing`, `key_unsafe`.
 */
export async function rotatePayloadKey(home: string): Promise<PayloadKey> {
  const files = payloadKeyFiles(home);
  const keys = readPayloadKeys(home);
  const fresh = payloadKeyOf(randomBytes(32));
  const older = [...new Map(keys.map((key) => [key.id, formatPayloadKey(key)])).values()];
  await replaceSecretFile(files.older, older.join('\n'));
  await replaceSecretFile(files.active, formatPayloadKey(fresh));
  return fresh;
}

/** Whole or as it was, 0600, on stable storage when it returns. */
async function replaceSecretFile(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(dirname(file), 'r');
  await folder.sync();
  await folder.close();
}
