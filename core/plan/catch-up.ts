import type { RunKind } from '../run/run-kind.ts';

const hourMs = 3_600_000;
const withinAnHour: ReadonlySet<RunKind> = new Set<RunKind>([
  ...(['log-backup', 'log-stream', 'incremental-backup'] as const),
  ...(['restore', 'log-restore', 'logical-restore', 'database-recovery'] as const),
]);

/** How late a run may begin after an outage, in milliseconds: of several missed ones only the last does. */
export const catchUpMs = (kind: RunKind): number => (withinAnHour.has(kind) ? 1 : 24) * hourMs;
