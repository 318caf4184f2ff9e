import { z } from 'zod';
import type { RestoreWays, StandbyPrimary } from '#core/restore/plan/ways.ts';
import { fail } from '#core/errors/fail.ts';

/** Options of a restore beside the usual. */
export const wayOptions = {
  '--files-only': 'a copy: put files and log into place and start no server; pg_verifybackup can check them',
  '--verify-files': 'have pg_verifybackup of the server read every file before a server is started',
  '--as-standby': 'a copy: open it as a standby that follows the primary named by --primary-…',
  '--primary-host <host>': 'with --as-standby: host of the primary',
  '--primary-port <port>': 'with --as-standby: its port (5432)',
  '--primary-user <role>': 'with --as-standby: role with the REPLICATION attribute',
  '--primary-passfile <path>': 'with --as-standby: password file (libpq) on the host of the copy',
  '--primary-slot <slot>': 'with --as-standby: replication slot of the primary to use',
  '--delta': 'with --in-place: write only pages that differ; there is no way back, the consent is "overwrite <name>"',
  '--accept-damage <name>':
    'put zeros where the named set (--set) cannot be read, and list them; the name of the resource, typed',
};

export const wayShape = {
  filesOnly: z.boolean().default(false),
  verifyFiles: z.boolean().default(false),
  asStandby: z.boolean().default(false),
  primaryHost: z.string().optional(),
  primaryPort: z.coerce.number().int().default(5432),
  primaryUser: z.string().optional(),
  primaryPassfile: z.string().optional(),
  primarySlot: z.string().optional(),
  delta: z.boolean().default(false),
  acceptDamage: z.string().optional(),
};
type WayArgs = z.output<z.ZodObject<typeof wayShape>>;

/** What goes into the options of a request; nothing when all is as usual. */
export function waysOf(args: WayArgs): { readonly ways?: RestoreWays } {
  const { acceptDamage } = args;
  if (args.filesOnly && args.asStandby)
    throw fail('restore_ways_conflict', { why: '--files-only starts no server, --as-standby starts one' });
  const primary = primaryOf(args);
  const ways: RestoreWays = {
    ...(args.filesOnly ? { endsAs: 'files' as const } : {}),
    ...(args.asStandby ? { endsAs: 'standby' as const } : {}),
    ...(primary === undefined ? {} : { primary }),
    ...(args.verifyFiles ? { provesFiles: true } : {}),
    ...(args.delta ? { isDelta: true } : {}),
    ...(acceptDamage === undefined ? {} : { damageConsent: acceptDamage }),
  };
  return Object.keys(ways).length === 0 ? {} : { ways };
}

function primaryOf({
  primaryHost: host,
  primaryPort: port,
  primaryUser: user,
  primaryPassfile: passFile,
  primarySlot: slot,
}: WayArgs): StandbyPrimary | undefined {
  if (host === undefined && user === undefined && passFile === undefined && slot === undefined) return undefined;
  if (host === undefined || user === undefined)
    throw fail('restore_ways_conflict', { why: 'a primary is named by --primary-host and --primary-user together' });
  return {
    ...{ host, port, user },
    ...(passFile === undefined ? {} : { passFile }),
    ...(slot === undefined ? {} : { slot }),
  };
}
