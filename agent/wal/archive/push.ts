import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { isFileNamed } from './archive-folder.ts';

const blockBytes = 1 << 20;
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Archives one file as an archive_command must (PG manual "Continuous Archiving"): the name appears with the whole,
 * flushed content or not at all, an identical file is success, a different one is refused and stays as it is. After a
 * kill at any instant the server's next call succeeds. Throws `archive_differs` and plain file system errors.
 */
export function pushFile(source: string, target: string): 'stored' | 'identical' {
  const directory = dirname(target);
  removeLeftovers(directory, basename(target));
  if (isFileNamed(target)) return acceptSame(source, target);
  const temporary = join(directory, `${temporaryPrefix(basename(target))}${String(process.pid)}.tmp`);
  try {
    copyFlushed(source, temporary);
    if (!publish(temporary, target)) return acceptSame(source, target);
  } finally {
    removeIfThere(temporary);
  }
  syncDirectory(directory);
  return 'stored';
}

const temporaryPrefix = (name: string): string => `.${name}.`;

/** A killed call leaves its temporary file; a server runs one archive command at a time. */
function removeLeftovers(directory: string, name: string): void {
  for (const each of readdirSync(directory)) {
    if (each.startsWith(temporaryPrefix(name)) && each.endsWith('.tmp')) removeIfThere(join(directory, each));
  }
}

/** The earlier call may have died before the flush: it is made up for before success is said. */
function acceptSame(source: string, target: string): 'identical' {
  if (!hasSameContent(source, target)) throw fail('archive_differs', { file: target });
  const file = openSync(target, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(dirname(target));
  return 'identical';
}

function hasSameContent(a: string, b: string): boolean {
  if (statSync(a).size !== statSync(b).size) return false;
  const left = openSync(a, 'r');
  const right = openSync(b, 'r');
  try {
    const { size } = fstatSync(left);
    const one = Buffer.alloc(blockBytes);
    const other = Buffer.alloc(blockBytes);
    for (let at = 0; at < size; at += blockBytes) {
      const length = readSync(left, one, 0, blockBytes, at);
      if (
        readSync(right, other, 0, blockBytes, at) !== length ||
        !one.subarray(0, length).equals(other.subarray(0, length))
      )
        return false;
    }
    return true;
  } finally {
    closeSync(left);
    closeSync(right);
  }
}

function copyFlushed(source: string, temporary: string): void {
  const from = openSync(source, 'r');
  try {
    const to = openSync(temporary, 'wx', 0o600);
    try {
      const block = Buffer.alloc(blockBytes);
      for (let read = readSync(from, block); read > 0; read = readSync(from, block))
        writeAll(to, block.subarray(0, read));
      fsyncSync(to);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done);
}

/** False when the name is taken. A link never replaces; where there are no links, check and rename is the best there is. */
function publish(temporary: string, target: string): boolean {
  try {
    linkSync(temporary, target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EEXIST') return false;
    if (!noLinks.has(code)) throw error;
    if (isFileNamed(target)) return false;
    renameSync(temporary, target);
  }
  return true;
}

function removeIfThere(path: string): void {
  if (isFileNamed(path)) unlinkSync(path);
}
