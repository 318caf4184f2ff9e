import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot (proc(5), field 22). */
  readonly startTime: string;
}

const startTimeField = 22;
const parentField = 4;

/** A field of /proc/<pid>/stat, counted as in proc(5); the name in field 2 may hold spaces and brackets. */
const statField = (pid: number, field: number): string | undefined => {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3];
  } catch {
    return undefined;
  }
};

/** Identity of a running process; undefined when there is none. */
export const identityOf = (pid: number): ProcessIdentity | undefined => {
  const startTime = statField(pid, startTimeField);
  return startTime === undefined ? undefined : { pid, startTime };
};

/** True while exactly this process runs. */
export const isSameProcess = (identity: ProcessIdentity): boolean =>
  identityOf(identity.pid)?.startTime === identity.startTime;

/** Parent of a process, or undefined when it is gone. */
export const parentOf = (pid: number): number | undefined => {
  const text = statField(pid, parentField);
  return text === undefined ? undefined : Number(text);
};
