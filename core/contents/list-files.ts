import type { FileOfSet, SetMeta } from '../format/meta.ts';
import type { Amount, ContentsView, FileList, ListedFile } from './contents.ts';

type Frames = SetMeta['frames'];

/** What a file takes: of a frame that it shares with others, its part. */
export function amountOf({ sizeBytes, extents }: FileOfSet, frames: Frames): Amount {
  let ownBytes = 0;
  let storedBytes = 0;
  for (const { frame, length } of extents) {
    const stored = frame < 0 ? undefined : frames[frame];
    if (stored === undefined) continue;
    ownBytes += length;
    storedBytes += (length / stored.rawBytes) * stored.storedBytes;
  }
  return { sizeBytes, ownBytes, storedBytes: Math.round(storedBytes) };
}

export const nothing: Amount = { sizeBytes: 0, ownBytes: 0, storedBytes: 0 };

export const plus = (a: Amount, b: Amount): Amount => ({
  sizeBytes: a.sizeBytes + b.sizeBytes,
  ownBytes: a.ownBytes + b.ownBytes,
  storedBytes: a.storedBytes + b.storedBytes,
});

/** Files of a set below a prefix, by path, a page of them. */
export function listFiles(
  { members, frames }: Pick<SetMeta, 'members' | 'frames'>,
  { prefix, after, limit }: Extract<ContentsView, { of: 'files' }>,
): FileList {
  const files = members.filter((member) => member.kind === 'file' && member.path.startsWith(prefix));
  const listed = files
    .map((file): ListedFile => ({ path: file.path, ...(file.kind === 'file' ? amountOf(file, frames) : nothing) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const rest = listed.filter(({ path }) => path > after);
  return {
    of: 'files',
    files: rest.slice(0, limit),
    hasMore: rest.length > limit,
    total: { ...listed.reduce<Amount>(plus, nothing), files: listed.length },
  };
}
