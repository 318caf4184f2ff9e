import { z } from 'zod';
import { parseTarget } from '#core/restore/parse-target.ts';

/** To which point, and from what: for every command that recovers. */
export const pointOptions = {
  '--at <time>': 'to a time with its zone, e.g. "2026-11-21 10:15:00+08"',
  '--lsn <lsn>': 'to a log position',
  '--xid <xid>': 'to a transaction',
  '--name <name>': 'to a named restore point',
  '--immediate': 'to backup state: the end of a set',
  '--latest': 'to the end of the log that is backed up',
  '--exclusive': 'stop just before the point instead of just after it',
  '--set <set>': 'from this set only',
  '--timeline <n>': 'on this timeline; the current one when absent',
  '--pool <pool>': 'from this pool; that of the newest set when absent',
};

export const pointShape = {
  at: z.string().optional(),
  lsn: z.string().optional(),
  xid: z.string().optional(),
  name: z.string().optional(),
  immediate: z.boolean().optional(),
  latest: z.boolean().optional(),
  exclusive: z.boolean().default(false),
  set: z.string().optional(),
  timeline: z.coerce.number().int().optional(),
  pool: z.string().optional(),
};

/** What the options say of the point. Throws what `parseTarget` throws. */
export function pointOf(args: z.output<z.ZodObject<typeof pointShape>>) {
  const { at, lsn, xid, name, set, timeline, pool } = args;
  const isImmediate = args.immediate === true;
  const text = { time: at, lsn, xid, name, isImmediate, isLatest: args.latest, isExclusive: args.exclusive };
  return { target: parseTarget(isImmediate ? { ...text, set } : text), setId: set, timeline, pool };
}
