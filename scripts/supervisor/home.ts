import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from './program.ts';
import { unprivilegedUser } from './unprivileged.ts';

const nameLength = 12;
const othersEnter = 0o001;

const isReachableByAll = (path: string): boolean =>
  (statSync(path).mode & othersEnter) !== 0 && (path === dirname(path) || isReachableByAll(dirname(path)));

/**
 * Where `npm start` keeps its data: in the checkout, or in /var/lib/holdfast when we are root and the servers' user
 * cannot enter the checkout.
 */
export const defaultHome = (): string => {
  if (unprivilegedUser() === undefined || isReachableByAll(projectRoot)) return join(projectRoot, '.holdfast', 'start');
  const name = createHash('sha256').update(projectRoot).digest('hex').slice(0, nameLength);
  return join('/var/lib/holdfast', name);
};
