import { fail } from '../errors/fail.ts';

/** What must not change while files are copied (peers.md §5 items 3 and 6). */
export interface InstanceIdentity {
  readonly role: string;
  readonly timeline: number;
  readonly systemId: string;
}

/** Throws `role_changed` when the instance is not what it was at the begin of the backup. */
export function requireSameInstance(instance: string, before: InstanceIdentity, after: InstanceIdentity): void {
  requireSame(instance, 'the role', before.role, after.role);
  requireSame(instance, 'the timeline', String(before.timeline), String(after.timeline));
  requireSame(instance, 'the system identifier', before.systemId, after.systemId);
}

/** Throws `role_changed` when one fact about the instance differs. */
export function requireSame(instance: string, what: string, before: string, after: string): void {
  if (before !== after) throw fail('role_changed', { instance, what, before, after });
}
