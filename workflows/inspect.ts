import { fail } from '#core/errors/fail.ts';
import { agentRequests, isNobodyThere } from './activity-proxies.ts';
import type { InspectInput } from './contract.ts';
import { workflowFailureOf } from './failure.ts';

/** A short question to one agent; the answer is what its HostWork returns. Fails within 15 s when no agent polls. */
export async function inspect(input: InspectInput): Promise<unknown> {
  try {
    return await agentRequests(input).inspect({ inspectionId: input.inspectionId, kind: input.kind });
  } catch (error) {
    if (!isNobodyThere(error)) throw workflowFailureOf(error);
    throw workflowFailureOf(fail('agent_silent', { host: input.hostId }, error));
  }
}
