import { readFileSync } from 'node:fs';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';

/** A line of /etc/passwd. */
interface Account extends FileOwner {
  readonly name: string;
}

/** The first account of /etc/passwd that fits; accounts that exist only in a directory service are not in it. */
export function findAccount(fits: (account: Account) => boolean): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    // Why: a line that sends the reader to a directory service (`+::::::`) has no numbers, and would pass for root.
    if (uid === '' || gid === '') continue;
    const account = { name, uid: Number(uid), gid: Number(gid) };
    if (fits(account)) return account;
  }
  return undefined;
}
