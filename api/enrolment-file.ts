import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Database } from '#catalog/database.ts';
import { addEnrolmentToken, enrolmentTokenState } from '#catalog/tokens.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { formatId, parseId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import { makeBearer, parseBearer } from './http/bearer.ts';
import { createSecretFile, readSecretFile } from './pools/key-files.ts';

const validMinutes = 1440;

/**
 * A file with a one-time token with which one host enrols within a day (K-007): for agents that are started together with
 * the control plane. A token that can still be used, or was used, is kept; one that expired or is not of this catalog is
 * replaced. Returns true when a token was made. Throws `key_unsafe` when others may read the file.
 */
export async function ensureEnrolmentFile(catalog: Database, file: string, clock: Clock): Promise<boolean> {
  if (await isWorthKeeping(catalog, file)) return false;
  await rm(file, { force: true });
  const id = formatId('tok', clock.nowMs(), randomBytes(10));
  const { text, sha256 } = makeBearer('hfe', id);
  if (!(await createSecretFile(file, text))) return false;
  // Why the file first: who dies here leaves a token that no catalog knows, which the next init replaces.
  await addEnrolmentToken(catalog, { id, sha256, validMinutes });
  return true;
}

async function isWorthKeeping(catalog: Database, file: string): Promise<boolean> {
  const text = await readSecretFile(file).catch((cause: unknown) => {
    if (cause instanceof HoldfastError && cause.code === 'key_missing') return '';
    throw cause;
  });
  const bearer = parseBearer('hfe', text);
  if (bearer === undefined) return false;
  const state = await enrolmentTokenState(catalog, parseId('tok', `tok_${bearer.idHex}`));
  return state === 'open' || state === 'used';
}
