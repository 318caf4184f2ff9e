import { chownSync, readFileSync } from 'node:fs';

/** The user that servers run as when we are root: PostgreSQL refuses to run as root. */
export interface Unprivileged {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const accountsInOrder = ['postgres', 'nobody'];

const readAccounts = (): Unprivileged[] =>
  readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid = '', gid = '']) => ({ name, uid: Number(uid), gid: Number(gid) }));

/** `postgres`, else `nobody`, when this process is root; otherwise undefined: run as we are. */
export const unprivilegedUser = (): Unprivileged | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readAccounts();
  const found = accountsInOrder.flatMap((name) => accounts.filter((account) => account.name === name))[0];
  return found ?? { name: '65534', uid: 65_534, gid: 65_534 };
};

/** Gives a path to the unprivileged user; nothing to do when we are not root. */
export const giveToUnprivileged = (path: string): void => {
  const user = unprivilegedUser();
  if (user !== undefined) chownSync(path, user.uid, user.gid);
};
