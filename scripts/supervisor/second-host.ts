import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Child } from './child.ts';
import { startChild, untilReady } from './child.ts';
import { parentOf } from './process-identity.ts';
import { projectRoot } from './program.ts';
import { unprivilegedUser } from './unprivileged.ts';

export interface SecondHostOptions {
  readonly name: string;
  /** Its home is the folder of its name in here. */
  readonly folder: string;
  readonly apiUrl: string;
  readonly temporalAddress: string;
  /** Ports that it reaches, beside those of API and Temporal. */
  readonly ports: readonly number[];
  /** More environment of its agent. */
  readonly env: Readonly<Record<string, string>>;
  /** A token under which a host of that name enrols. */
  readonly makeToken: () => Promise<string>;
}

/** Another host on this machine: an agent with a home, an operating-system user and, where root may, a network namespace of its own. */
export interface SecondHost {
  readonly name: string;
  readonly home: string;
  /** Whether it has a network of its own, apart from ours. */
  readonly hasOwnNetwork: boolean;
  /** What was started last: the agent, or the door that it lives behind. */
  child(): Child;
  /** Process id of the agent itself; undefined when it does not run. */
  agentPid(): number | undefined;
  /** SIGKILL to the agent alone, as a crash. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts the agent again, in a new network of the same kind, and waits until it serves. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether a process of ours may have a network namespace of its own. */
const canSplitNetwork = (): boolean =>
  process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;

/** Starts it and waits until its agent serves. Out of its network only the named ports and those of API and Temporal lead. */
export async function openSecondHost(options: SecondHostOptions): Promise<SecondHost> {
  const { name, folder, apiUrl, temporalAddress, ports } = options;
  const home = join(folder, name);
  const tokenFile = await prepareHome(options, home);
  const reached = [...ports, Number(new URL(apiUrl).port), Number(temporalAddress.split(':')[1])];
  const doors = canSplitNetwork() ? await openDoors(folder, reached) : [];
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', HOLDFAST_AGENT_HOME: home, HOLDFAST_ENROL_TOKEN_FILE: tokenFile },
    ...{ HOLDFAST_API_URL: apiUrl, ...options.env },
  };
  const begin = (): Promise<Child> => startAgent({ name, doors, env, folder });
  let child = await begin();
  const agentPid = (): number | undefined =>
    !child.isRunning() ? undefined : doors.length === 0 ? child.pid : agentBehind(child.pid);
  return {
    ...{ name, home, hasOwnNetwork: networkOf(child.pid) !== networkOf(process.pid), agentPid },
    child: () => child,
    kill: async () => {
      const pid = agentPid();
      if (pid === undefined) return child.kill();
      process.kill(pid, 'SIGKILL');
      await child.ended;
    },
    start: async () => {
      child = await begin();
    },
    stop: async () => {
      await child.stop();
      for (const { server } of doors) server.close();
    },
  };
}

const networkOf = (pid: number): string => readlinkSync(`/proc/${String(pid)}/ns/net`);

/** The door lives as long as the agent that it started. */
function agentBehind(door: number): number | undefined {
  const isAgent = (pid: number): boolean => {
    const path = `/proc/${String(pid)}/cmdline`;
    return parentOf(pid) === door && existsSync(path) && readFileSync(path, 'utf8').includes('holdfast.mjs\0agent');
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find(isAgent);
}

async function prepareHome({ makeToken }: SecondHostOptions, home: string): Promise<string> {
  const user = unprivilegedUser();
  const tokenFile = join(home, 'token');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(tokenFile, await makeToken(), { mode: 0o600 });
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
        // Why: a side that is cut off in the middle ends the other one, as a network would.
        inside.once('close', () => outside.destroy());
        outside.once('close', () => inside.destroy());
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

async function startAgent(start: AgentStart): Promise<Child> {
  const logPath = join(start.folder, `${start.name}.log`);
  const from = existsSync(logPath) ? statSync(logPath).size : 0;
  const child = await spawnAgent(start, logPath);
  const isServing = (): boolean => readFileSync(logPath).subarray(from).includes('serving');
  await untilReady(child, () => Promise.resolve(isServing()));
  return child;
}

function spawnAgent({ name, doors, env, folder }: AgentStart, logPath: string): Promise<Child> {
  const user = unprivilegedUser();
  const agent = [process.execPath, join(projectRoot, 'bin', 'holdfast.mjs'), 'agent'];
  const common = { name: `agent ${name}`, env, logPath, stopSignal: 'SIGTERM' as const };
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
