import type { Stats } from 'node:fs';
import { statSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { asideOf } from '#agent/datadir/writer-aside.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { findAccount } from './account.ts';

/**
 * Who owns what is restored and runs the server. An agent that is not root can only be itself. Root takes the owner of
 * the instance when there is one, else the account named in the settings. Throws `account_missing`.
 */
export function ownerOf(order: OrderOf<'restore'>, account: string): FileOwner {
  const stands =
    order.instance === undefined ? undefined : standing(canonicalPath(order.instance.dataDirectory), order.runId);
  return ownerOfInstance(stands) ?? ownerOfCopy(account, order.plan.place.directory);
}

/** The owner of a data directory that stands, to an agent that is root; undefined where that is root or cannot be taken. */
export function ownerOfInstance(stands: Stats | undefined): FileOwner | undefined {
  if (process.getuid?.() !== 0 || stands === undefined || stands.uid === 0) return undefined;
  return { uid: stands.uid, gid: stands.gid };
}

/** Who owns what is written beside no instance: the agent itself, or the account named in the settings. Throws `account_missing`. */
export function ownerOfCopy(account: string, directory: string): FileOwner {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? 0 };
  const found = accountOf(account);
  if (found === undefined) throw fail('account_missing', { user: account, directory });
  return found;
}

/** The data directory, or where an earlier attempt of this run moved it. */
const standing = (directory: string, runId: string): Stats | undefined =>
  statSync(directory, { throwIfNoEntry: false }) ?? statSync(asideOf(directory, runId), { throwIfNoEntry: false });

/** By name, or by `uid:gid` what exists only in a directory service. */
function accountOf(name: string): FileOwner | undefined {
  const numbers = /^(\d+):(\d+)$/.exec(name);
  if (numbers !== null) return { uid: Number(numbers[1]), gid: Number(numbers[2]) };
  const found = findAccount((account) => account.name === name);
  return found === undefined ? undefined : { uid: found.uid, gid: found.gid };
}
