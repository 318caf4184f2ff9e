import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { SeenNamespace } from '#catalog/temporal-home.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Clock } from '#core/ports/clock.ts';
import { registerSearchAttributes } from '#wire/search-attributes.ts';
import { seenNamespace } from '#wire/seen-namespace.ts';

const retentionMs = 30 * 86_400_000;
const answerMs = 5000;
const pauseMs = 1000;

export interface PreparedNamespace {
  /** What was done, in words for a person. */
  readonly told: string;
  /** Absent: Temporal does not answer, or does not let us see the namespace. */
  readonly seen?: SeenNamespace;
  /** Search attributes are there too. */
  readonly isWhole: boolean;
}

export interface Preparation {
  readonly client: Client;
  readonly clock: Clock;
  /** Refuses a namespace, undefined for one that does not exist, before anything is done to it. */
  readonly demand: (seen: SeenNamespace | undefined) => void;
  readonly waitSeconds?: number | undefined;
}

/**
 * Makes the namespace, its retention of 30 days and the search attributes, as far as they are missing. Without `waitSeconds`
 * it is one attempt and what fails is told; with it, it is tried again until all is there, and `temporal_unreachable` is
 * thrown when the namespace is not there at the end. Throws what `demand` throws.
 */
export async function prepareNamespace(preparation: Preparation): Promise<PreparedNamespace> {
  const { clock, waitSeconds = 0 } = preparation;
  const deadline = clock.nowMs() + waitSeconds * 1000;
  for (;;) {
    const done = await attempt(preparation);
    if (done.isWhole) return done;
    if (clock.nowMs() >= deadline) {
      if (waitSeconds > 0 && done.seen === undefined) throw fail('temporal_unreachable', { reason: done.told });
      return done;
    }
    await delay(pauseMs);
  }
}

async function attempt(preparation: Preparation): Promise<PreparedNamespace> {
  const { client, clock } = preparation;
  try {
    return await client.withDeadline(clock.nowMs() + answerMs, () => registered(preparation));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    return { told: `not prepared: ${wordsOf(cause)}; run init again when Temporal is up`, isWhole: false };
  }
}

async function registered({ client, demand }: Preparation): Promise<PreparedNamespace> {
  const { namespace } = client.options;
  const known = await seenNamespace(client);
  demand(known);
  if (known === undefined)
    await client.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(retentionMs),
    });
  const seen = known ?? (await seenNamespace(client));
  const attributes = await attributesOf(client);
  const is = known === undefined ? 'made, history kept 30 days' : 'is there';
  const told = `namespace ${namespace} ${is}; ${attributes.told}`;
  return { told, ...(seen === undefined ? {} : { seen }), isWhole: attributes.isWhole && seen !== undefined };
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
