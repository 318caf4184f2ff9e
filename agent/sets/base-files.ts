import { filesOf, neededExtents } from '#core/format/chain.ts';
import type { BaseFiles } from '#agent/copy/copy-request.ts';
import type { SetChain } from './open-chain.ts';

/** What a copy must know about the files of a base, whose own base is the next of the chain. */
export function baseFilesOf(chain: SetChain): BaseFiles {
  const files = chain.map(({ meta }) => filesOf(meta));
  const damaged = new Set(chain[0].meta.damagedPages.map(({ path }) => path));
  // Asked for extent after extent of one file.
  let last: { readonly path: string; readonly hashes: ReadonlyMap<string, string> } | undefined;
  const hashesOf = (path: string): ReadonlyMap<string, string> => {
    const hashes = new Map<string, string>();
    if (files[0]?.has(path) !== true) return hashes;
    for (const { extent, at, spans } of neededExtents(files, path))
      if (spans === undefined) hashes.set(nameOf(at, extent.length), extent.hash);
    return hashes;
  };
  return {
    sizeOf: (path) => files[0]?.get(path)?.sizeBytes,
    timeOf: (path) => files[0]?.get(path)?.mtimeMs,
    hashOf(path, from, length) {
      if (last?.path !== path) last = { path, hashes: hashesOf(path) };
      return last.hashes.get(nameOf(from, length)) ?? '';
    },
    isDamaged: (path) => damaged.has(path),
  };
}

const nameOf = (from: number, length: number): string => `${String(from)} ${String(length)}`;
