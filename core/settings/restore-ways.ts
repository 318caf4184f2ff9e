import { z } from 'zod';
import type { RestoreWays, StandbyPrimary } from '#core/restore/plan/ways.ts';
import { field } from './field.ts';
import { pathShape } from './shape/words.ts';

const since = '0.1';

/** Parts of a connection string that libpq would read as something else are refused. */
const plain = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^\s'\\=]+$/, 'without spaces, quotes, backslashes and =');

const primaryShape: z.ZodType<StandbyPrimary> = z.object({
  host: field(plain, { title: 'Primary host', description: 'Host of the server that the standby follows', since }),
  port: field(z.number().int().min(1).max(65535), { title: 'Primary port', description: 'Its port', since }),
  user: field(plain, { title: 'Replication user', description: 'Role with the REPLICATION attribute', since }),
  passFile: field(pathShape, {
    title: 'Password file',
    description: 'Password file (libpq) on the agent host; the password itself is never passed on',
    since,
  }).exactOptional(),
  slot: field(
    z.string().regex(/^[a-z0-9_]{1,63}$/, 'it must be lower case letters, digits and underscores, at most 63'),
    {
      title: 'Replication slot',
      description: 'Physical replication slot on the primary that the standby uses',
      since,
    },
  ).exactOptional(),
});

/** What is asked of a restore beside the usual. */
export const restoreWaysShape: z.ZodType<RestoreWays> = z.object({
  endsAs: field(z.enum(['files', 'standby']), {
    title: 'Ends as',
    description:
      'files: no server is started; standby: the copy follows a primary. Absent: recovered, then open or closed',
    since,
  }).exactOptional(),
  primary: primaryShape.exactOptional(),
  provesFiles: field(z.boolean(), {
    title: 'Prove files',
    description:
      'Have pg_verifybackup of the server read every file against backup_manifest before a server is started',
    since,
  }).exactOptional(),
  isDelta: field(z.boolean(), {
    title: 'Delta',
    description: 'In place: write only pages that differ; nothing of the old files is kept and there is no way back',
    since,
  }).exactOptional(),
  damageConsent: field(z.string().max(200), {
    title: 'Accept damage',
    description:
      'What cannot be read becomes zeros and is listed per file and block in the outcome; the name of the resource, typed',
    since,
  }).exactOptional(),
});
