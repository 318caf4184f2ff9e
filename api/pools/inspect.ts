import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { addInspection, removeInspection } from '#catalog/runs/inspections.ts';
import { getHost } from '#catalog/hosts.ts';
import type { Inspection } from '#core/agent/order.ts';
import { fail } from '#core/errors/fail.ts';
import type { HostId } from '#core/id.ts';
import type { Context } from '#api/context.ts';

const validSeconds = 120;

interface Question<T> {
  readonly hostId: HostId;
  /** What the agent fetches over its own channel; `discover` needs nothing. */
  readonly inspection: Inspection | { readonly kind: 'discover' };
  /** How long the answer is waited for; absent: a minute. */
  readonly patienceSeconds?: number;
  /** Shape of the answer. */
  readonly answer: z.ZodType<T>;
}

/**
 * Asks the agent of a host and waits for its answer, through Temporal, so that the API needs no way to a host. The
 * question may hold a secret: it is stored sealed, and only until the answer is there.
 * Throws `host_offline`, `agent_silent`, `worker_silent`, `answer_malformed` and what the agent answers.
 */
export async function inspect<T>(
  context: Context,
  { hostId, inspection, answer, patienceSeconds }: Question<T>,
): Promise<T> {
  const { catalog, vault, runs, queuePrefix } = context;
  const host = await getHost(catalog, hostId);
  if (!host.isOnline) throw fail('host_offline', { host: host.name });
  const id = randomUUID();
  const { kind } = inspection;
  await addInspection(catalog, {
    id,
    hostId,
    kind,
    sealedRequest: vault.seal(JSON.stringify(inspection), id),
    validSeconds,
  });
  try {
    const parsed = answer.safeParse(
      await runs.inspect({ inspectionId: id, hostId, kind, queuePrefix }, patienceSeconds),
    );
    if (parsed.success) return parsed.data;
    throw fail('agent_answer_malformed', { host: host.name, question: kind }, parsed.error);
  } finally {
    await removeInspection(catalog, id);
  }
}
