import { expect, test } from 'vitest';
import { archiveDirectoryOf } from './archive-directory.ts';

test.each([
  ['cp %p /archive/%f', '/archive'],
  ['test ! -f /var/lib/log archive/%f && cp %p /mnt/server/archivedir/%f', '/mnt/server/archivedir'],
  [`cp "%p" "/with space/%f"`, '/with space'],
  [`cp '%p' '/with space/%f'`, '/with space'],
  ['holdfast wal-archive "%p" /archive/"%f"', '/archive'],
  ['/opt/script.sh "%p" "%f"', undefined],
  ['', undefined],
  ['(disabled)', undefined],
])('K-082 the archive directory of %j is %j', (command, directory) => {
  expect(archiveDirectoryOf(command)).toBe(directory);
});
