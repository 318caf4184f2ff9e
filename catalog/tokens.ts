import { z } from 'zod';
import type { Role } from '#core/access/permission.ts';
import { isRole } from '#core/access/permission.ts';
import type { HostId, TokenId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { idShape, instantShape } from '#core/settings/shape/words.ts';
import type { Database } from './database.ts';

const roleShape = z.string().refine(isRole);
const tokenShape = z.object({
  id: idShape('tok'),
  name: z.string(),
  role: roleShape,
  sha256: z.instanceof(Uint8Array),
});

export interface ApiToken {
  readonly id: TokenId;
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret part: it has 256 bits of randomness, so no slow hash is needed. */
  readonly sha256: Uint8Array;
}

export async function addApiToken(db: Database, token: ApiToken & { readonly expiresAt?: Instant }): Promise<void> {
  await db.change('insert into api_token (id, name, role, secret_sha256, expires_at) values ($1, $2, $3, $4, $5)', [
    token.id,
    token.name,
    token.role,
    token.sha256,
    token.expiresAt ?? null,
  ]);
}

/** A token that is neither revoked nor expired; undefined otherwise. */
export async function findApiToken(db: Database, id: TokenId): Promise<ApiToken | undefined> {
  const rows = await db.rows(
    tokenShape,
    `select id, name, role, secret_sha256 as sha256 from api_token
     where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [id],
  );
  return rows[0];
}

export interface EnrolmentToken {
  readonly id: TokenId;
  readonly sha256: Uint8Array;
  readonly hostName?: string;
  readonly validMinutes: number;
}

/** Stores a one-time enrolment token and returns when it expires. */
export async function addEnrolmentToken(db: Database, token: EnrolmentToken): Promise<Instant> {
  const rows = await db.rows(
    z.object({ expiresAt: instantShape }),
    `insert into enrolment_token (id, secret_sha256, host_name, expires_at)
     values ($1, $2, $3, now() + make_interval(mins => $4)) returning expires_at as "expiresAt"`,
    [token.id, token.sha256, token.hostName ?? null, token.validMinutes],
  );
  return rows[0]?.expiresAt ?? instantShape.parse('1970-01-01T00:00:00Z');
}

const openTokenShape = z.object({ sha256: z.instanceof(Uint8Array), hostName: z.string().nullable() });

const stateShape = z.object({ state: z.enum(['open', 'used', 'expired']) });

/** What became of an enrolment token; undefined for one that this catalog does not know. */
export async function enrolmentTokenState(db: Database, id: TokenId): Promise<'open' | 'used' | 'expired' | undefined> {
  const rows = await db.rows(
    stateShape,
    `select case when used_at is not null then 'used' when expires_at > now() then 'open' else 'expired' end as state
     from enrolment_token where id = $1`,
    [id],
  );
  return rows[0]?.state;
}

/** Locks an unused, unexpired enrolment token until the transaction ends: two agents never share one. */
export async function lockEnrolmentToken(
  db: Database,
  id: TokenId,
): Promise<{ readonly sha256: Uint8Array; readonly hostName: string | null } | undefined> {
  const rows = await db.rows(
    openTokenShape,
    `select secret_sha256 as sha256, host_name as "hostName" from enrolment_token
     where id = $1 and used_at is null and expires_at > now() for update`,
    [id],
  );
  return rows[0];
}

export const useEnrolmentToken = (db: Database, id: TokenId, host: HostId): Promise<number> =>
  db.change('update enrolment_token set used_at = now(), host_id = $2 where id = $1', [id, host]);
