import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild, untilReady } from '#scripts/supervisor/child.ts';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { Platform } from './platform.ts';

export interface SecondAgent {
  /** Name of its host. */
  readonly name: string;
  readonly home: string;
  /** What it said. */
  log(): string;
  stop(): Promise<void>;
}

/** Another host of a platform: an agent with a home, an operating-system user and scratch of its own. */
export async function openSecondAgent(platform: Platform, name: string): Promise<SecondAgent> {
  const user = unprivilegedUser();
  const home = join(platform.folder, name);
  const [tokenFile, logPath] = [join(home, 'token'), join(platform.folder, `${name}.log`)];
  mkdirSync(home, { mode: 0o700 });
  const { token } = z.looseObject({ token: z.string() }).parse(await platform.done(['host', 'token', '--name', name]));
  writeFileSync(tokenFile, token, { mode: 0o600 });
  if (user !== undefined) for (const path of [home, tokenFile]) chownSync(path, user.uid, user.gid);
  const child = await startChild({
    ...{ name: `agent ${name}`, command: process.execPath, user, logPath, stopSignal: 'SIGTERM' },
    args: [join(projectRoot, 'bin', 'holdfast.mjs'), 'agent'],
    env: {
      ...{ PATH: process.env['PATH'] ?? '', HOLDFAST_AGENT_HOME: home, HOLDFAST_ENROL_TOKEN_FILE: tokenFile },
      ...{ HOLDFAST_API_URL: platform.stack.places.apiUrl, HOLDFAST_POSTGRES_BIN: platform.instance.programs },
    },
    cwd: home,
  });
  const log = (): string => readFileSync(logPath, 'utf8');
  await untilReady(child, () => Promise.resolve(log().includes('serving')));
  return { name, home, log, stop: () => child.stop() };
}
