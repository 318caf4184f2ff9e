import type { Database } from '#catalog/database.ts';
import { hostKeySha256 } from '#catalog/hosts.ts';
import { findApiToken } from '#catalog/tokens.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { isSecretOf, parseBearer } from './bearer.ts';
import type { Caller } from './route.ts';

type TokenCaller = Extract<Caller, { kind: 'token' }>;

const textOf = (header: string | undefined): string => {
  const text = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
  if (text === undefined) throw fail('token_missing', {});
  return text;
};

/** Who holds this API token. Throws `token_missing`, `token_refused`. */
export async function authenticate(db: Database, header: string | undefined): Promise<TokenCaller> {
  const bearer = parseBearer('hf', textOf(header));
  if (bearer === undefined) throw fail('token_refused', {});
  const id = parseId('tok', `tok_${bearer.idHex}`);
  const token = await findApiToken(db, id);
  if (token === undefined || !isSecretOf(bearer.secret, token.sha256)) throw fail('token_refused', {});
  return { kind: 'token', name: token.name, principal: token.id, role: token.role };
}

/** Which host holds this key. Throws `token_missing`, `host_key_refused`. */
export async function authenticateHost(db: Database, header: string | undefined): Promise<HostId> {
  const bearer = parseBearer('hfh', textOf(header));
  if (bearer === undefined) throw fail('host_key_refused', {});
  const id = parseId('host', `host_${bearer.idHex}`);
  const stored = await hostKeySha256(db, id);
  if (stored === undefined || !isSecretOf(bearer.secret, stored)) throw fail('host_key_refused', {});
  return id;
}
