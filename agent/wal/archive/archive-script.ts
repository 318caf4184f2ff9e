import { chmodSync, closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { syncDirectory } from '#agent/file-system.ts';

/** Name of the installed script. */
export const archiveScriptName = 'holdfast-archive.sh';

/**
 * The archive command as a POSIX shell script, for hosts on which the server's account cannot run Node. Same promises
 * and exit codes as `holdfast wal-archive`. Throws `value_malformed` for a directory that a shell could misread.
 */
export function archiveScript(directory: string): string {
  if (!directory.startsWith('/') || /['\n\r]/.test(directory)) {
    throw fail('value_malformed', {
      text: directory,
      what: 'archive directory',
      expected: 'an absolute path without quotes and line breaks',
    });
  }
  return `#!/bin/sh
# Holdfast: archive_command = '<this file> "%p" "%f"'
# Exit: 0 archived, or archived before with the same content; 1 the archive holds different content under that name;
# 2 wrong arguments; 3 a file could not be read or written.
set -u
umask 077
directory='${directory}'
say() { echo "holdfast-archive: $1" >&2; }
# A sync that takes files and fails has lost what was written; one that takes none writes everything out.
flush() {
  sync "$1" 2>/dev/null && return
  sync / 2>/dev/null && { say "cannot sync $1"; exit 3; }
  sync
}
same() {
  cmp -s "$source" "$target" || { say "$target holds different content; nothing was overwritten"; exit 1; }
  flush "$target"
  flush "$directory"
  exit 0
}
[ $# -eq 2 ] || { say 'expected two arguments: "%p" "%f"'; exit 2; }
source=$1
name=$2
case $name in */* | .* | '') say "$name is not the name of a log file"; exit 2 ;; esac
target=$directory/$name
temporary=$directory/.$name.$$.tmp
rm -f "$directory/.$name".*.tmp
[ -e "$target" ] && same
trap 'rm -f "$temporary"' EXIT
dd if="$source" of="$temporary" bs=1048576 conv=fsync 2>/dev/null || { say "cannot copy $source to $directory"; exit 3; }
if ! ln "$temporary" "$target" 2>/dev/null; then
  [ -e "$target" ] && same
  # A file system without hard links: the server calls for one segment at a time, so check and rename is enough there.
  mv "$temporary" "$target" 2>/dev/null || { say "cannot make $target"; exit 3; }
fi
rm -f "$temporary"
flush "$directory"
exit 0
`;
}

/** Writes the script for an archive directory into `folder`, whole or not at all; answers its path. */
export function installArchiveScript(folder: string, directory: string): string {
  const path = join(folder, archiveScriptName);
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, 'w', 0o755);
  try {
    writeSync(file, archiveScript(directory));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(temporary, 0o755);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
  return path;
}
