/**
 * Instants at which a test lets an agent die by SIGKILL: before and after everything that another process can see, and
 * everything that the next attempt relies on. The only place in which they are named: what has just happened, and what
 * has not. Nothing is done at them unless the agent was started with one (`HOLDFAST_FAULT_POINT`).
 */
export const faultPoints = {
  'backup.after-begin': 'Backup mode has begun; nothing is read',
  'backup.after-base': 'The base of an incremental is read and what changed since is known; nothing is copied',
  'backup.before-put': 'A piece is sealed; the pool has nothing of it',
  'backup.after-put': 'The pool has a piece, perhaps not durably',
  'backup.after-barrier': 'A piece is durable in the pool; nobody was told',
  'backup.after-acknowledge': 'A piece is durable and journalled as acknowledged',
  'backup.before-end': 'Every file is copied; backup mode lasts',
  'backup.after-end': 'Backup mode has ended; its log is not in the set',
  'backup.before-commit': 'Every piece is acknowledged, the log too; nothing looks at them yet',
  'backup.before-meta': 'Every piece was found and is durable; there is no meta',
  'backup.after-meta': 'The pool has meta, perhaps not durably',
  'backup.after-commit': 'The set is committed; its journal is there',
  'offline.after-look': 'The instance is proven closed; nothing is copied',
  'offline.after-copy': 'Every file and the log are copied; it is not proven again that the instance is closed',
  'logical.after-start': 'The logical set has its start; no database was read',
  'logical.after-piece': 'The pool has a piece of streams, perhaps not durably; nothing remembers it',
  'logical.before-meta': 'Every piece of streams was found and is durable; there is no meta',
  'logical.after-meta': 'The pool has the meta of a logical set, perhaps not durably',
  'log.after-switch': 'The current segment is closed; nothing is read',
  'log.before-segment': 'A segment is checked; the pool has nothing of it',
  'log.after-segment': 'The pool has a segment, perhaps not durably; no batch names it',
  'log.before-batch': 'The segments of a batch are durable; there is no batch',
  'log.after-batch': 'The pool has a batch, perhaps not durably',
  'log.before-tell': 'A batch is committed; the catalog does not know',
  'log.after-tell': 'A batch is committed and the catalog knows',
  'log.before-delete': 'Archived files are proven to be in the pool; none is deleted',
  'log.after-delete': 'Archived files are deleted; nobody was told',
  'pool-copy.after-piece': 'The target has a piece, perhaps not durably; no meta names it',
  'pool-copy.after-set': 'A set is committed in the target; the catalog does not know',
  'pool-copy.after-segment': 'The target has a segment, perhaps not durably; no batch names it',
  'pool-copy.before-batch': 'The segments of a batch are durable in the target; there is no batch',
  'pool-copy.after-batch': 'The target has a batch, perhaps not durably; the catalog does not know',
  'log-restore.after-begin': 'What stood at the directory is journalled; nothing is made',
  'log-restore.after-segment': 'A segment is written and durable; perhaps its name is not',
  'log-restore.after-files': 'Every file and name is durable; no report was journalled',
  'log-restore.after-report': 'The report is journalled; the directory carries the mark of the run',
  'restore.after-prepare': 'The place is marked as that of this run; nothing is written',
  'restore.after-piece': 'What is wanted of a piece is written; no file is whole',
  'restore.after-write': 'Every file but the control file is written and durable',
  'restore.after-log': 'The log is put into its place',
  'restore.before-control': 'The recovery is configured; there is no control file',
  'restore.after-control': 'The control file is in its place; no server was started',
  'restore.after-start': 'A server recovers; it is not known how far it is',
  'restore.after-recover': 'The recovery is over; no report was journalled',
  'restore.after-report': 'The report of a copy is journalled; nobody was told',
  'in-place.after-tail': 'The log that only the old instance had is in the pool; its directory stands',
  'in-place.before-aside': 'What is to be moved aside is journalled; nothing is moved',
  'in-place.after-aside': 'The old directories are aside; there is no new one',
  'in-place.before-open': 'The recovered database is journalled and closed',
  'in-place.after-open': 'The database is open with its own settings; no report was journalled',
  'delta.after-journal': 'The journal says that the place is written over; its control file is there',
  'delta.after-control': 'The control file is gone for good; the place is not marked',
  'swap.after-scratch': 'The scratch instance is at its point; nothing is copied',
  'swap.after-build': 'What goes into its place is copied and proven under a temporary name',
  'swap.before-tell': 'The places of the swap are journalled; the catalog does not know',
  'swap.before-swap': 'The catalog knows the places; nothing is swapped',
  'swap.after-swap': 'The swap is committed; nobody was told',
  'swap.after-tell': 'The swap is told; what is not to be kept is there',
  'swap.after-report': 'The report is journalled; the scratch instance is there',
  'work.before-record': 'The work of a run is done; its end is not journalled',
  'work.after-record': 'The end of the work is journalled; Temporal was not told',
} as const;

export type FaultPoint = keyof typeof faultPoints;

export const faultPointNames = Object.keys(faultPoints) as readonly FaultPoint[];

/** Where a process dies, and the how manieth time that it gets there, from 1; threads count for themselves. */
export interface Fault {
  readonly point: FaultPoint;
  readonly time: number;
}

/** What a step is given to die by; may be absent, and is unless a test asked for it. */
export interface Faults {
  /** For threads, which open their own. */
  readonly fault: Fault;
  /** Does not return at the point and time of the fault. */
  reach(point: FaultPoint): void;
}

const isFaultPoint = (text: string): text is FaultPoint => Object.hasOwn(faultPoints, text);

/** `point`, or `point:3` for the third time; undefined for anything else. */
export function parseFault(text: string): Fault | undefined {
  const [point = '', time = '1', ...rest] = text.split(':');
  if (!isFaultPoint(point) || rest.length > 0 || !/^[1-9][0-9]{0,5}$/.test(time)) return undefined;
  return { point, time: Number(time) };
}

/** Says that whoever works got to a point. Costs nothing without faults. */
export function reach({ faults }: { readonly faults?: Faults | undefined }, point: FaultPoint): void {
  if (faults !== undefined) faults.reach(point);
}
