/**
 * An archive_command for servers we start ourselves: whole or not at all, never over different content. Called with the
 * path of the segment and the path it gets in the archive, so that preflight can read the directory from the command.
 */
export const archiveScript = `#!/bin/sh
set -e
if [ -e "$2" ]; then exec cmp -s "$1" "$2"; fi
cp "$1" "$2.tmp.$$"
sync "$2.tmp.$$"
ln "$2.tmp.$$" "$2"
rm "$2.tmp.$$"
sync "$(dirname "$2")"
`;
