import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `hf` an API token, `hfe` a one-time enrolment token, `hfh` the key of a host. */
export type BearerKind = 'hf' | 'hfe' | 'hfh';

export interface Bearer {
  /** 32 hex digits of the id it belongs to. */
  readonly idHex: string;
  readonly secret: string;
}

export const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

/** A new token text `<kind>_<id>_<secret>` with 256 random bits, and what is stored of it. */
export function makeBearer(kind: BearerKind, id: string): { readonly text: string; readonly sha256: Uint8Array } {
  const secret = randomBytes(32).toString('base64url');
  return { text: `${kind}_${id.slice(id.indexOf('_') + 1)}_${secret}`, sha256: sha256(secret) };
}

/** Takes a token apart; undefined for anything that is none of this kind. */
export function parseBearer(kind: BearerKind, text: string): Bearer | undefined {
  const match = /^(hf|hfe|hfh)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/.exec(text);
  const [, found, idHex, secret] = match ?? [];
  return found === kind && idHex !== undefined && secret !== undefined ? { idHex, secret } : undefined;
}

/** Whether a secret is the one stored, in constant time. */
export const isSecretOf = (secret: string, stored: Uint8Array): boolean => timingSafeEqual(sha256(secret), stored);
