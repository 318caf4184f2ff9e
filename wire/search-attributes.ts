import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Clock } from '#core/ports/clock.ts';
import type { SearchIndex } from '#core/ports/search-index.ts';
import { searchAttributes } from '#core/run/search-attributes.ts';

const names: readonly string[] = Object.values(searchAttributes);
const { INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;
const answerMs = 5000;
const againMs = 60_000;

/** Registers what is missing in the namespace of the client; returns the names that were. Needs the right to do so. */
export async function registerSearchAttributes(client: Client): Promise<readonly string[]> {
  const missing = await missingAttributes(client);
  if (missing.length === 0) return [];
  await client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
  });
  return missing;
}

async function missingAttributes(client: Client): Promise<readonly string[]> {
  const { namespace } = client.options;
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
  return names.filter((name) => customAttributes[name] !== INDEXED_VALUE_TYPE_KEYWORD);
}

/**
 * Asks Temporal until it knows all of them, at most once a minute: a control worker that started before `holdfast init`
 * was run uses them from then on. A server that does not answer counts as one without.
 */
export function openSearchIndex(client: Client, clock: Clock): SearchIndex {
  let isKnown = false;
  let askedAtMs = -againMs;
  return {
    isReady: async () => {
      const now = clock.nowMs();
      if (isKnown || now - askedAtMs < againMs) return isKnown;
      askedAtMs = now;
      isKnown = await client
        .withDeadline(now + answerMs, () => missingAttributes(client))
        .then(
          (missing) => missing.length === 0,
          () => false,
        );
      return isKnown;
    },
  };
}
