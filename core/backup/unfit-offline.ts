import type { ControlFile } from '../engine/control-file.ts';

/** States in which a closed primary can be: left as it should be, or torn from its work. */
const crashedStates: readonly ControlFile['state'][] = [
  'starting up',
  'shutting down',
  'in crash recovery',
  'in production',
];

/**
 * Why the control file of a closed instance rules an offline backup out, in words; undefined when it does not. An instance
 * in archive recovery (a standby, a restore that did not end) is consistent at a point that only its own recovery knows.
 */
export function whyUnfitOffline({ state, timeline, minRecoveryTimeline }: ControlFile): string | undefined {
  if (state !== 'shut down' && !crashedStates.includes(state))
    return `its control file says "${state}": it is a standby, or a recovery that did not end`;
  if (minRecoveryTimeline !== 0 && minRecoveryTimeline !== timeline)
    return `it was promoted to timeline ${String(minRecoveryTimeline)} and closed before its first checkpoint there`;
  return undefined;
}
