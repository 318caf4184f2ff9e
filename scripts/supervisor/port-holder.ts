import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { isPortTaken } from './free-port.ts';

const hex = 16;
const listening = '0A';

const inodeOf = (port: number): string | undefined => {
  const suffix = `:${port.toString(hex).toUpperCase().padStart(4, '0')}`;
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.find((line) => line[1]?.endsWith(suffix) === true && line[3] === listening)?.[9];
};

const holdsInode = (pid: string, inode: string): boolean => {
  try {
    const folder = join('/proc', pid, 'fd');
    return readdirSync(folder).some((descriptor) => readlinkSync(join(folder, descriptor)) === `socket:[${inode}]`);
  } catch {
    // Why: processes of other users do not show their descriptors.
    return false;
  }
};

/** Who listens on a port, for a person: name and process id, or that it cannot be seen. */
export const portHolder = (port: number): string => {
  const inode = inodeOf(port);
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const pid = inode === undefined ? undefined : processes.find((name) => holdsInode(name, inode));
  if (pid === undefined) return 'a process of another user';
  return `${readFileSync(join('/proc', pid, 'comm'), 'utf8').trim()} (process ${pid})`;
};

/** Fails with `port_taken` and the holder's name when one of the ports is in use. */
export const requireFreePorts = async (ports: object): Promise<void> => {
  for (const [component, port] of Object.entries(ports) as [string, number][]) {
    if (await isPortTaken(port)) throw fail('port_taken', { port: String(port), component, holder: portHolder(port) });
  }
};
