import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Enrolment } from '#core/agent/enrolment.ts';
import { fail } from '#core/errors/fail.ts';
import { enrolmentShape } from '#core/settings/shape/host.ts';
import { isMissing, writeWholeFile } from './work/whole-file.ts';

/** `<agent-home>/host.json`, 0600: who this host is, and its secrets. */
export type HostIdentity = Enrolment & { readonly apiUrl: string };

const identityShape = z.intersection(enrolmentShape, z.looseObject({ apiUrl: z.string().min(1) }));

/** Reads the identity, or undefined when this host is not enrolled. Throws `agent_identity_damaged`. */
export async function readIdentity(file: string): Promise<HostIdentity | undefined> {
  try {
    return identityShape.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    // Why: the message of a JSON error quotes the text, which is secret.
    throw fail('agent_identity_damaged', {
      file,
      cause: cause instanceof z.ZodError ? 'a field is missing' : 'it is no JSON text',
    });
  }
}

/** Durable when it returns. */
export const storeIdentity = (file: string, identity: HostIdentity): Promise<void> =>
  writeWholeFile(file, JSON.stringify(identity));
