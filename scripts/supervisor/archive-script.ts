/**
 * An archive_command for servers we start ourselves: whole or not at all, never over different content. Called with the
 * path of the segment and its name.
 */
export const archiveScript = (archiveDirectory: string): string => `#!/bin/sh
set -e
target='${archiveDirectory}'/"$2"
if [ -e "$target" ]; then exec cmp -s "$1" "$target"; fi
cp "$1" "$target.tmp.$$"
sync "$target.tmp.$$"
ln "$target.tmp.$$" "$target"
rm "$target.tmp.$$"
sync '${archiveDirectory}'
`;
