import { basename } from 'node:path';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { parseArchiveName } from '#core/wal/archive-name.ts';
import { pushFile } from './push.ts';

const helpText = `Usage: holdfast wal-archive <path of the log file> <path in the archive directory>

A safe archive_command: copies one closed log file, syncs it, and makes it visible under its name at once. It never
replaces a file of that name: the same content is taken as archived, other content is refused.

In postgresql.conf:
  archive_mode = on
  archive_command = 'holdfast wal-archive "%p" "/directory/%f"'
The directory must exist and belong to the account of the server. Log backups read the same directory:
  holdfast backup --type log --archive-directory /directory ...

Exit codes: 0 archived, or archived before with the same content · 1 the archive holds other content under that name ·
2 wrong arguments · 3 a file could not be read or written. The server tries again after all but 0.`;

/**
 * `holdfast wal-archive <%p> <directory>/<%f>`: a safe archive_command. Exit codes, all below 126 so that the server
 * tries again and does not stop its archiver:
 * 0 archived, or archived before with the same content · 1 the archive holds different content under that name ·
 * 2 wrong arguments · 3 a file could not be read or written.
 */
function run(args: readonly string[]): number {
  const [source, target, ...more] = args;
  if (source === undefined || target === undefined || more.length > 0) return usage('expected two arguments');
  const { kind } = parseArchiveName(basename(target));
  if (kind === 'unknown' || kind === 'temporary') return usage(`${basename(target)} is not the name of a log file`);
  try {
    pushFile(source, target);
    return 0;
  } catch (error) {
    const isRefused = error instanceof HoldfastError && error.code === 'archive_differs';
    say(
      error instanceof HoldfastError
        ? `${error.message} ${error.hint}`
        : `cannot archive ${source} as ${target}: ${String(error)}`,
    );
    return isRefused ? 1 : 3;
  }
}

const help = (): number => {
  process.stdout.write(`${helpText}\n`);
  return 0;
};

function usage(why: string): number {
  say(`${why}; usage: archive_command = 'holdfast wal-archive "%p" "/directory/%f"'`);
  return 2;
}

const say = (text: string): void => {
  process.stderr.write(`holdfast wal-archive: ${text}\n`);
};

const words = process.argv.slice(2);
process.exitCode = words[0] === '--help' || words[0] === '-h' ? help() : run(words);
