import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import type { Child } from '#scripts/supervisor/child.ts';
import { startChild, untilReady } from '#scripts/supervisor/child.ts';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { Platform } from './platform.ts';

export interface SecondAgent {
  /** Name of its host. */
  readonly name: string;
  readonly home: string;
  /** Whether it has a network of its own, apart from that of the first one. */
  readonly hasOwnNetwork: boolean;
  stop(): Promise<void>;
}

/** Whether a process of ours may have a network namespace of its own. */
const canSplitNetwork = (): boolean =>
  process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;

/**
 * Another host of a platform: an agent with a home, an operating-system user, scratch and, where root may, a network namespace of its
 * own, out of which only the named ports and those of API and Temporal lead.
 */
export async function openSecondAgent(
  platform: Platform,
  name: string,
  ports: readonly number[] = [],
): Promise<SecondAgent> {
  const home = join(platform.folder, name);
  const tokenFile = await prepareHome(platform, name, home);
  const { apiUrl, temporalAddress } = platform.stack.places;
  const reached = [...ports, Number(new URL(apiUrl).port), Number(temporalAddress.split(':')[1])];
  const doors = canSplitNetwork() ? await openDoors(platform.folder, reached) : [];
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HOLDFAST_AGENT_HOME: home, HOLDFAST_ENROL_TOKEN_FILE: tokenFile },
    ...{ HOLDFAST_API_URL: apiUrl, HOLDFAST_POSTGRES_BIN: platform.instance.programs },
  };
  const child = await startAgent({ name, doors, env, folder: platform.folder });
  await untilReady(child, () => Promise.resolve(readFileSync(child.logPath, 'utf8').includes('serving')));
  const networkOf = (pid: number): string => readlinkSync(`/proc/${String(pid)}/ns/net`);
  return {
    ...{ name, home, hasOwnNetwork: networkOf(child.pid) !== networkOf(process.pid) },
    stop: async () => {
      await child.stop();
      for (const { server } of doors) server.close();
    },
  };
}

async function prepareHome(platform: Platform, name: string, home: string): Promise<string> {
  const user = unprivilegedUser();
  const tokenFile = join(home, 'token');
  mkdirSync(home, { mode: 0o700 });
  const { token } = z.looseObject({ token: z.string() }).parse(await platform.done(['host', 'token', '--name', name]));
  writeFileSync(tokenFile, token, { mode: 0o600 });
  if (user !== undefined) for (const path of [home, tokenFile]) chownSync(path, user.uid, user.gid);
  return tokenFile;
}

interface Door {
  readonly port: number;
  readonly path: string;
  readonly server: Server;
}

/** The ends of the doors on this side: a Unix socket for each port. */
const openDoors = (folder: string, ports: readonly number[]): Promise<Door[]> =>
  Promise.all(
    ports.map(async (port) => {
      const path = join(folder, `door-${String(port)}`);
      const server = createServer((inside) => {
        const outside = connect(port, '127.0.0.1');
        for (const one of [inside, outside]) one.on('error', () => one.destroy());
        inside.pipe(outside).pipe(inside);
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return { port, path, server };
    }),
  );

interface AgentStart {
  readonly name: string;
  readonly doors: readonly Door[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
}

function startAgent({ name, doors, env, folder }: AgentStart): Promise<Child> {
  const user = unprivilegedUser();
  const agent = [process.execPath, join(projectRoot, 'bin', 'holdfast.mjs'), 'agent'];
  const common = { name: `agent ${name}`, env, logPath: join(folder, `${name}.log`), stopSignal: 'SIGTERM' as const };
  if (doors.length === 0) {
    const [command = '', ...args] = agent;
    return startChild({ ...common, command, args, user, cwd: join(folder, name) });
  }
  const door = join(import.meta.dirname, 'network-door.ts');
  const through = doors.map(({ port, path }) => `${String(port)}=${path}`);
  const account = `${String(user?.uid ?? 0)}:${String(user?.gid ?? 0)}`;
  const args = ['--net', process.execPath, '--import', 'tsx', door, account, ...through, '--', ...agent];
  return startChild({ ...common, command: 'unshare', args, cwd: projectRoot });
}
