import { z } from 'zod';
import type { SecondHost } from '#scripts/supervisor/second-host.ts';
import { openSecondHost } from '#scripts/supervisor/second-host.ts';
import type { Platform } from './platform.ts';

export type SecondAgent = Pick<SecondHost, 'name' | 'home' | 'hasOwnNetwork' | 'stop'>;

const tokenAnswer = z.looseObject({ token: z.string() });

/**
 * Another host of a platform: an agent with a home, an operating-system user, scratch and, where root may, a network namespace of its
 * own, out of which only the named ports and those of API and Temporal lead.
 */
export function openSecondAgent(platform: Platform, name: string, ports: readonly number[] = []): Promise<SecondAgent> {
  const { apiUrl, temporalAddress } = platform.stack.places;
  return openSecondHost({
    ...{ name, folder: platform.folder, apiUrl, temporalAddress, ports },
    env: { HOLDFAST_POSTGRES_BIN: platform.instance.programs },
    makeToken: async () => tokenAnswer.parse(await platform.done(['host', 'token', '--name', name])).token,
  });
}
