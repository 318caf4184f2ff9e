import { z } from 'zod';
import { parseFault } from '../faults/fault-points.ts';
import { field } from './field.ts';
import { readyFields } from './ready-file.ts';
import { temporalAccessFields } from './temporal-access.ts';
import { traceFields } from './trace-settings.ts';

const since = '0.1';

/** Settings of `holdfast agent`. Everything else (host id, key, Temporal, payload key) comes from enrolment. */
export const agentSettings = z.object({
  agentHome: field(z.string().min(1), {
    title: 'Agent home directory',
    description: 'Holds host.json (0600), the journal of running steps and the job results of this host',
    example: '/var/lib/holdfast-agent',
    since,
  }),
  apiUrl: field(z.string().min(1).default('http://127.0.0.1:8420'), {
    title: 'API URL',
    description: 'Address of the Holdfast API',
    since,
  }),
  enrolToken: field(z.string().optional(), {
    title: 'Enrolment token',
    description: 'One-time token of `holdfast host token`; read once, when the host is not enrolled yet',
    since,
    isSecret: true,
  }),
  enrolTokenFile: field(z.string().optional(), {
    title: 'Enrolment token file',
    description: 'File that holds the one-time token, instead of enrolToken',
    since,
  }),
  temporalAddress: field(z.string().optional(), {
    title: 'Temporal address',
    description: 'Overrides the address told at enrolment, e.g. behind a proxy',
    since,
  }),
  queuePrefix: field(z.string().max(60).optional(), {
    title: 'Queue prefix',
    description: 'Overrides the prefix told at enrolment; for tests',
    since,
  }),
  ...temporalAccessFields,
  ...readyFields,
  ...traceFields,
  reportSeconds: field(z.coerce.number().int().min(1).max(300).default(10), {
    title: 'Report interval',
    description: 'How often the agent tells the API its version, disks and instances',
    unit: 'seconds',
    since,
  }),
  postgresBin: field(z.string().optional(), {
    title: 'PostgreSQL program directories',
    description: 'Directories with postgres and pg_ctl to look in first, separated by colons',
    example: '/usr/lib/postgresql/15/bin:/usr/lib/postgresql/18/bin',
    since,
  }),
  discoverRoot: field(
    z
      .string()
      .regex(/^\/[^:]*(:\/[^:]*)*$/, 'absolute directories, separated by colons')
      .optional(),
    {
      title: 'Directories of closed instances',
      description:
        'Directories in which instances that do not run are looked for too, three levels deep, separated by colons; the flag may be repeated',
      example: '/var/lib/postgresql:/srv/pg',
      since,
    },
  ),
  agentScripts: field(z.string().startsWith('/', 'an absolute directory').optional(), {
    title: 'Directory of scripts',
    description:
      'Scripts that jobs may name lie in this directory; without it none is run. It and what is in it must belong to root or the account of the agent and be writable by nobody else',
    example: '/etc/holdfast/scripts',
    since,
  }),
  restoreAccount: field(z.string().min(1).default('postgres'), {
    title: 'Owner of restored copies',
    description: 'Account (name or uid:gid) that owns and runs a restored copy when the agent is root',
    example: '26:26',
    since,
  }),
  agentScratch: field(z.string().regex(/^\//, 'an absolute directory').optional(), {
    title: 'Directory of scratch instances',
    description:
      'Where instances are restored that a run needs for itself and removes again; below the agent home when absent. The restore account must be able to enter it, and it needs room for a whole instance',
    example: '/srv/holdfast-scratch',
    since,
  }),
  faultPoint: field(
    z
      .string()
      .refine((text) => parseFault(text) !== undefined, 'a point of core/faults/fault-points.ts, or point:time')
      .optional(),
    {
      title: 'Fault point',
      description:
        'Only for tests of Holdfast itself: the agent kills itself as kill -9 would when a run gets to this instant. Never set it where backups count',
      example: 'backup.before-commit',
      since,
    },
  ),
});

export type AgentSettings = z.output<typeof agentSettings>;

/** Settings that the command line of the agent takes too, each with its flag; all others come from the environment. */
export const agentFlags = {
  agentHome: 'home',
  apiUrl: 'api',
  enrolTokenFile: 'enrol',
  discoverRoot: 'discover-root',
} as const satisfies Partial<Record<keyof AgentSettings, string>>;
