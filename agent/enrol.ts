import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { enrolmentShape } from '#core/settings/shape/host.ts';
import { callApi } from './channel-call.ts';
import type { HostIdentity } from './host-identity.ts';
import { readIdentity, storeIdentity } from './host-identity.ts';

export interface EnrolmentAsk {
  readonly home: string;
  readonly apiUrl: string;
  readonly agentVersion: string;
  /** The one-time token itself, or a file that holds it. */
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * Gives the identity of this host; enrols it first when it has none and a token is at hand (K-007). A host that is
 * enrolled keeps its identity, so the token may stay in the environment. Throws `agent_not_enrolled`,
 * `enrolment_refused`, `agent_too_old`, `api_unavailable`.
 */
export async function enrol(ask: EnrolmentAsk): Promise<HostIdentity> {
  await mkdir(ask.home, { recursive: true, mode: 0o700 });
  const file = join(ask.home, 'host.json');
  const known = await readIdentity(file);
  if (known !== undefined) return known;
  const token = ask.token ?? (ask.tokenFile === undefined ? undefined : (await readFile(ask.tokenFile, 'utf8')).trim());
  if (token === undefined) throw fail('agent_not_enrolled', { file });
  const body = { token, agentVersion: ask.agentVersion, hostname: hostname() };
  const answer = await callApi({ url: ask.apiUrl, method: 'POST', path: '/agent/v1/enrol', body }, enrolmentShape);
  const identity = { ...answer, apiUrl: ask.apiUrl };
  await storeIdentity(file, identity);
  return identity;
}
