import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { bug } from '#core/errors/fail.ts';
import type { Child } from '#scripts/supervisor/child.ts';
import { startChild, tailOf, untilReady } from '#scripts/supervisor/child.ts';
import { provideSocketFolder } from '#scripts/supervisor/socket-folder.ts';
import { unprivilegedUser } from '#scripts/supervisor/unprivileged.ts';
import type { ComposeService } from './compose.ts';
import { entrypointOf, readCompose, unescaped } from './compose.ts';
import type { ComposeWorld, Dictionary } from './compose-world.ts';
import { newFolder, openComposeWorld } from './compose-world.ts';

/** Our own services of docker-compose.yml, each as a process with the environment and the command of its container. */
export interface ComposeStage {
  /** Each after those that it waits for. */
  readonly order: readonly string[];
  /** Starts a service; resolves when it is healthy or, without a health check, has ended well. */
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  /** Asks its health check. */
  isHealthy(name: string): Promise<boolean>;
  /** Runs a command in the container of a service; its output. */
  exec(name: string, command: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** A container as it is here. */
interface Container {
  readonly name: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Empty when it has no health check. */
  readonly health: readonly string[];
}

export async function openComposeStage(): Promise<ComposeStage> {
  const { file } = readCompose();
  const world = await openComposeWorld(Object.keys(file.secrets));
  const own = Object.entries(file.services).filter(([, { build }]) => build !== undefined);
  const containers = new Map(own.map(([name, service]) => [name, containerOf(world, name, service)]));
  const running = new Map<string, Child>();
  const of = (name: string): Container => {
    const found = containers.get(name);
    if (found === undefined) throw bug(`${name} is a service of ours`);
    return found;
  };
  return {
    order: inOrder(own),
    start: async (name) => {
      const container = of(name);
      if (container.health.length === 0) await run(container, container.command);
      else running.set(name, await started(container));
    },
    stop: async (name) => running.get(name)?.stop(),
    isHealthy: (name) => isHealthy(of(name)),
    exec: (name, command) => run(of(name), command),
    close: async () => {
      for (const child of [...running.values()].reverse()) await child.stop();
      await world.close();
    },
  };
}

function containerOf(world: ComposeWorld, name: string, service: ComposeService): Container {
  const folder = newFolder(world.folder, name);
  const volumes = service.volumes.map((volume): Dictionary[number] => {
    const [source = '', target = ''] = volume.split(':');
    return [target, newFolder(world.folder, `volume-${source}`)];
  });
  // Why the longest first: /var/lib/holdfast begins /var/lib/holdfast-agent too.
  const words: Dictionary = [
    ...volumes.sort(([a], [b]) => b.length - a.length),
    ...world.words,
    ['/var/run/postgresql', provideSocketFolder(join(folder, 'socket'))],
    ['/tmp/', `${folder}/`],
  ];
  const here = (text: string): string => inWords(unescaped(text), words);
  const env: Record<string, string> = { PATH: world.path, HOME: folder };
  for (const [key, value] of Object.entries(service.environment)) env[key] = here(value);
  if (env['HOLDFAST_API_PORT'] !== undefined) env['HOLDFAST_API_PORT'] = String(world.apiPort);
  return {
    ...{ name, folder, env },
    command: [...entrypointOf(service.build?.target ?? ''), ...(service.command ?? [])].map(here),
    health: inShell((service.healthcheck?.test ?? []).map(here)),
  };
}

/** Each place is said in its own words once: what was put in is not looked at again. */
function inWords(text: string, words: Dictionary): string {
  for (const [from, to] of words) {
    const at = text.indexOf(from);
    if (at >= 0) return inWords(text.slice(0, at), words) + to + inWords(text.slice(at + from.length), words);
  }
  return text;
}

const inShell = ([kind, ...test]: readonly string[]): readonly string[] =>
  kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...test] : test;

/** Services after those that they wait for. */
function inOrder(services: readonly (readonly [string, ComposeService])[]): string[] {
  const order: string[] = [];
  const add = (name: string): void => {
    const service = services.find(([one]) => one === name)?.[1];
    if (service === undefined || order.includes(name)) return;
    Object.keys(service.depends_on).forEach(add);
    order.push(name);
  };
  for (const [name] of services) add(name);
  return order;
}

async function started(container: Container): Promise<Child> {
  const { name, folder, env } = container;
  const [command = '', ...args] = container.command;
  const logPath = join(folder, 'container.log');
  const user = unprivilegedUser();
  const child = await startChild({ ...{ name, command, args, env, user, logPath }, cwd: '/', stopSignal: 'SIGTERM' });
  await untilReady(child, () => isHealthy(container)).catch(async (cause: unknown) => {
    await child.stop();
    throw bug(`the service ${name} becomes healthy:\n${tailOf(logPath, 40)}`, cause);
  });
  return child;
}

const isHealthy = (container: Container): Promise<boolean> =>
  run(container, container.health).then(
    () => true,
    () => false,
  );

/** To its end, as the user of the container. */
function run({ env }: Container, [command = '', ...args]: readonly string[]): Promise<string> {
  const user = unprivilegedUser();
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, cwd: '/', ...identity }, (error, out, err) => {
      if (error === null) resolve(out);
      else reject(bug(`${command} ${args.join(' ')} ends well:\n${out}\n${err}`, error));
    });
  });
}
