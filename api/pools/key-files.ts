import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail } from '#core/errors/fail.ts';

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === code;

/** Reads a 32-byte key (base64 text, 0600). Throws `key_missing`, `key_unsafe`. */
export async function readKeyFile(file: string): Promise<Uint8Array> {
  const text = await readSecretFile(file);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 32) throw fail('key_unsafe', { file });
  return bytes;
}

/** Reads a secret text that only its owner may read. Throws `key_missing`, `key_unsafe`. */
export async function readSecretFile(file: string): Promise<string> {
  const status = await stat(file).catch((cause: unknown) => {
    throw hasCode(cause, 'ENOENT') ? fail('key_missing', { file }, cause) : cause;
  });
  if ((status.mode & 0o077) !== 0) throw fail('key_unsafe', { file });
  return (await readFile(file, 'utf8')).trim();
}

/** Creates a file 0600 and makes it durable. Returns false when it exists already: what exists is never replaced. */
export async function createSecretFile(file: string, text: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(`${text}\n`);
    await handle.sync();
    await handle.close();
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false;
    throw cause;
  }
  const folder = await open(dirname(file), 'r');
  await folder.sync();
  await folder.close();
  return true;
}

/** A new key file with 32 random bytes unless there is one. */
export const ensureKeyFile = (file: string): Promise<boolean> =>
  createSecretFile(file, randomBytes(32).toString('base64'));
