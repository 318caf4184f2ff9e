import { statSync } from 'node:fs';
import type { Finding } from '#core/agent/inspection.ts';
import type { InspectionOf } from '#core/agent/order.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { findAccount } from './account.ts';
import { look } from './look-at-place.ts';
import { ownerOfCopy, ownerOfInstance } from './owner.ts';

/**
 * Whose files a restore will write at its place, and so who runs the server there: of an instance its owner, of a copy the agent's own
 * account or, where the agent is root, the one of its settings, which a reader of the plan cannot know otherwise. Nothing is touched.
 */
export function lookAtOwner({ isCopy, directory: asked }: InspectionOf<'place'>, account: string): Finding {
  const directory = canonicalPath(asked);
  let owner = '';
  const found = look('owner', '', () => {
    const stands = isCopy ? undefined : statSync(directory, { throwIfNoEntry: false });
    const { uid } = ownerOfInstance(stands) ?? ownerOfCopy(account, directory);
    owner = nameOf(uid);
  });
  return found.verdict === 'ok' ? { ...found, detail: `files and server will belong to ${owner}` } : found;
}

/** Accounts of a directory service are told by number. */
const nameOf = (uid: number): string => findAccount((account) => account.uid === uid)?.name ?? `account ${String(uid)}`;
