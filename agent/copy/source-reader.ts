import { codeOf } from '#agent/file-system.ts';
import { closeSync, openSync, readSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';

/** Opens a file of the data directory for reading; undefined when it does not exist (any more). Throws `source_unreadable`. */
export function openSource(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
}

/** Closes what `openSource` gave. */
export const closeSource = (fd: number): void => {
  closeSync(fd);
};

/** Fills `target` from offset `from` and tells how many bytes there were: fewer only at the end of the file. */
export function readFully(
  source: { readonly fd: number; readonly path: string },
  target: Uint8Array,
  from: number,
): number {
  try {
    let got = 0;
    while (got < target.length) {
      const bytes = readSync(source.fd, target, got, target.length - got, from + got);
      if (bytes === 0) break;
      got += bytes;
    }
    return got;
  } catch (cause) {
    throw unreadable(source.path, cause);
  }
}

const unreadable = (path: string, cause: unknown) =>
  fail('source_unreadable', { path, why: codeOf(cause) || String(cause) }, cause);
