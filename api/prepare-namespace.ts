import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { fail } from '#core/errors/fail.ts';
import type { Clock } from '#core/ports/clock.ts';
import { registerSearchAttributes } from '#wire/search-attributes.ts';

const retentionMs = 30 * 86_400_000;
const answerMs = 5000;
const pauseMs = 1000;

export interface PreparedNamespace {
  /** What was done, in words for a person. */
  readonly told: string;
  /** Absent: Temporal does not answer, or does not let us see the namespace. */
  readonly id?: string;
  /** Search attributes are there too. */
  readonly isWhole: boolean;
}

/**
 * Makes the namespace, its retention of 30 days and the search attributes, as far as they are missing. Without `waitSeconds`
 * it is one attempt and what fails is told; with it, it is tried again until all is there, and `temporal_unreachable` is
 * thrown when the namespace is not there at the end.
 */
export async function prepareNamespace(client: Client, clock: Clock, waitSeconds = 0): Promise<PreparedNamespace> {
  const deadline = clock.nowMs() + waitSeconds * 1000;
  for (;;) {
    const done = await attempt(client, clock);
    if (done.isWhole) return done;
    if (clock.nowMs() >= deadline) {
      if (waitSeconds > 0 && done.id === undefined) throw fail('temporal_unreachable', { reason: done.told });
      return done;
    }
    await delay(pauseMs);
  }
}

async function attempt(client: Client, clock: Clock): Promise<PreparedNamespace> {
  const { namespace } = client.options;
  try {
    return await client.withDeadline(clock.nowMs() + answerMs, () => registered(client, namespace));
  } catch (cause) {
    return { told: `not prepared: ${wordsOf(cause)}; run init again when Temporal is up`, isWhole: false };
  }
}

async function registered(client: Client, namespace: string): Promise<PreparedNamespace> {
  const known = await namespaceId(client).catch(() => undefined);
  if (known === undefined)
    await client.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(retentionMs),
    });
  const id = known ?? (await namespaceId(client));
  const attributes = await attributesOf(client);
  const is = known === undefined ? 'made, history kept 30 days' : 'is there';
  return { told: `namespace ${namespace} ${is}; ${attributes.told}`, id, isWhole: attributes.isWhole };
}

/** Id of the namespace of a client: another for each that is made, whatever its name and address. */
export async function namespaceId(client: Client): Promise<string> {
  const { namespace } = client.options;
  const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace });
  return namespaceInfo?.id ?? '';
}

/** Runs are found by them in Temporal Web; without them everything else works. A namespace that was just made may need a moment. */
async function attributesOf(client: Client): Promise<{ readonly told: string; readonly isWhole: boolean }> {
  try {
    const added = await registerSearchAttributes(client);
    const told = added.length === 0 ? 'search attributes are there' : `search attributes added: ${added.join(', ')}`;
    return { told, isWhole: true };
  } catch (cause) {
    return { told: `search attributes not added: ${wordsOf(cause)}; run init again`, isWhole: false };
  }
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : 'no reason given');
