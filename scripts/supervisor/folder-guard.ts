import { spawn } from 'node:child_process';

/**
 * A tiny shell that outlives us. When the pipe on its input closes while it lives (we ended without `release`), it ends
 * every process that works in the folder: a PostgreSQL by fast shutdown at once, the others when their own guards have
 * had 12 s. Then the folder goes, unless it is to be kept. A server that an agent opened has no other guard.
 */
const guardScript = `
trap '' INT TERM HUP
cat >/dev/null
folder=$1
inside() {
  ls -l /proc/[0-9]*/cwd 2>/dev/null | while read -r line; do
    case "$line" in
      *" -> $folder"|*" -> $folder/"*|*" -> $folder (deleted)") line="\${line#*/proc/}"; echo "\${line%%/*}" ;;
    esac
  done
}
n=0
while left=$(inside) && [ -n "$left" ] && [ $n -lt 12 ]; do
  for pid in $left; do
    [ "$(head -n 1 "/proc/$pid/cwd/postmaster.pid" 2>/dev/null)" = "$pid" ] && kill -s INT "$pid" 2>/dev/null
  done
  sleep 1
  n=$((n+1))
done
for pid in $(inside); do kill -s KILL "$pid" 2>/dev/null; done
[ "$2" = keep ] || rm -rf "$folder" || { sleep 2; rm -rf "$folder"; }
`;

export interface FolderGuard {
  /** Everything was ended in order: the guard goes without touching anything. */
  release(): void;
}

/** Watches over a folder of ours, absolute and without links, and over every process that has it as working directory. */
export const guardFolder = (folder: string, isKept: boolean): FolderGuard => {
  const args = ['-c', guardScript, 'guard', folder, isKept ? 'keep' : 'remove'];
  const guard = spawn('/bin/sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  guard.stdin.on('error', () => undefined);
  return {
    release: () => {
      guard.kill('SIGKILL');
    },
  };
};
