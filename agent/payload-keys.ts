import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, writeWholeFile } from '#agent/work/whole-file.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { KeyRing } from '#wire/key-ring.ts';
import type { PayloadKey } from '#wire/payload-key.ts';
import { formatPayloadKey, parsePayloadKey } from '#wire/payload-key.ts';

export interface AgentKeys {
  readonly home: string;
  /** The key of the enrolment. */
  readonly enrolled: PayloadKey;
  /** Asks the API for all payload keys, the active one first. */
  readonly ask: () => Promise<readonly PayloadKey[]>;
  readonly clock: Clock;
}

const againMs = 2000;

/**
 * The payload keys of an agent. After a rotation the first payload that was sealed with the new key makes it ask the API,
 * over its own channel, and seal with that key from then on; it keeps what it learned (`payload.keys`, 0600).
 */
export async function openAgentKeys({ home, enrolled, ask, clock }: AgentKeys): Promise<KeyRing> {
  const file = join(home, 'payload.keys');
  const kept = await readKept(file);
  let keys: readonly [PayloadKey, ...PayloadKey[]] = [kept[0] ?? enrolled, ...kept.slice(1), enrolled];
  let askedAtMs = -againMs;
  let asking: Promise<void> | undefined;
  const learn = async (): Promise<void> => {
    askedAtMs = clock.nowMs();
    const [active, ...older] = await ask();
    if (active === undefined) return;
    keys = [active, ...older, enrolled];
    await writeWholeFile(file, `${[active, ...older].map(formatPayloadKey).join('\n')}\n`);
  };
  return {
    active: () => keys[0],
    find: async (id) => {
      const known = keys.find((key) => key.id === id);
      // Why a pause: a payload of a key that is lost must not make every task ask again.
      if (known !== undefined || (asking === undefined && clock.nowMs() - askedAtMs < againMs)) return known;
      // Why quietly: an API that is away leaves the key unknown, and the task is tried again.
      asking ??= learn()
        .catch(() => undefined)
        .finally(() => {
          asking = undefined;
        });
      await asking;
      return keys.find((key) => key.id === id);
    },
  };
}

async function readKept(file: string): Promise<readonly PayloadKey[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n');
    return lines.filter((line) => line.trim() !== '').map(parsePayloadKey);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
