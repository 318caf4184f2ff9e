import type { HostId, RunId } from '../id.ts';

/** Task queues are durable names (style §3.4). The control worker polls this one. */
export const controlQueue = 'control';
/** Id of the workflow of a run: durable as well. */
export const runWorkflowId = (run: RunId): string => `run:${run}`;
export type HostQueueKind = 'ctl' | 'data' | 'wal';
/** Agents are addressed by stable host id only, never by hostname (design §2). `prefix` separates test files, '' in production. */
export const hostQueue = (host: HostId, kind: HostQueueKind, prefix = ''): string => `${prefix}host:${host}:${kind}`;
