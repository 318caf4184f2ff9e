import type { HookFacts, HookName, ToldOutcome } from './hook.ts';

/**
 * Environment of a script: documented API (docs/guides/hooks.md). No secret is in it, and nothing of the agent's own
 * environment; PATH is fixed. Names may be in any language, hence UTF-8.
 */
export function hookEnvironment(
  hook: HookName,
  { runId, hostId, jobId, jobName, kind, resource, setId }: HookFacts,
  outcome?: ToldOutcome,
): Readonly<Record<string, string>> {
  return {
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    HOLDFAST_HOOK: hook,
    HOLDFAST_RUN_ID: runId,
    HOLDFAST_RUN_KIND: kind,
    HOLDFAST_HOST_ID: hostId,
    HOLDFAST_JOB_ID: jobId,
    HOLDFAST_JOB_NAME: withoutNul(jobName),
    ...(resource === undefined ? {} : { HOLDFAST_RESOURCE: withoutNul(resource) }),
    ...(setId === undefined ? {} : { HOLDFAST_SET_ID: setId }),
    ...(outcome === undefined ? {} : { HOLDFAST_OUTCOME: outcome.state }),
    ...(outcome?.code === undefined ? {} : { HOLDFAST_OUTCOME_CODE: outcome.code }),
  };
}

/** The system ends a variable at its first NUL and Node refuses one. */
const withoutNul = (text: string): string => text.replaceAll('\0', '');
