import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseRelationFile } from '#core/backup/relation-file.ts';
import type { ControlFile } from '#core/engine/control-file.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { verifyPages } from '#agent/copy/verify-pages.ts';
import { closeSource, openSource, readFully } from '#agent/copy/source-reader.ts';
import { isGone, readControlFile } from '#agent/datadir/reader.ts';
import type { PageMemory } from '#agent/wasm/page-memory.ts';
import { extentBytes, openPageMemory } from '#agent/wasm/page-memory.ts';
import type { Finding } from './run-check.ts';
import { failed, passed, skipped } from './run-check.ts';

const mostNamed = 10;
interface Looked {
  pages: number;
  readonly damaged: string[];
  count: number;
}

/**
 * The checksum of every page of every relation file of an open instance that nobody else writes to; a page that is being written is
 * read again. Throws `source_unreadable`, the reason of the signal.
 */
export async function checkPages(directory: string, engine: string, signal: AbortSignal): Promise<Finding> {
  const profile = engineProfile(engine);
  const { content: control } = await readControlFile(profile, directory);
  if (!control.hasChecksums) return skipped('the cluster was made without page checksums');
  const memory = openPageMemory(control.pageBytes);
  const looked: Looked = { pages: 0, damaged: [], count: 0 };
  for (const path of relationFiles(directory, profile.files))
    await checkFile({ memory, control, looked, signal }, path);
  if (looked.count === 0) return passed(`${String(looked.pages)} pages`);
  const more = looked.count > looked.damaged.length ? ` and ${String(looked.count - looked.damaged.length)} more` : '';
  return failed(
    `${String(looked.count)} of ${String(looked.pages)} pages are damaged: ${looked.damaged.join(', ')}${more}`,
  );
}

/** Below a link of a tablespace lies a directory of the server version, in it those of databases. */
function* relationFiles(directory: string, files: { databases: string; shared: string; tablespaces: string }) {
  yield* filesIn(join(directory, files.shared));
  for (const name of namesIn(join(directory, files.databases))) yield* filesIn(join(directory, files.databases, name));
  const spaces = join(directory, files.tablespaces);
  for (const space of namesIn(spaces))
    for (const version of namesIn(join(spaces, space)))
      for (const name of namesIn(join(spaces, space, version))) yield* filesIn(join(spaces, space, version, name));
}

function* filesIn(directory: string): Generator<string> {
  for (const name of namesIn(directory)) if (parseRelationFile(name) !== undefined) yield join(directory, name);
}

function namesIn(directory: string): readonly string[] {
  try {
    return statSync(directory).isDirectory() ? readdirSync(directory) : [];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

interface Look {
  readonly memory: PageMemory;
  readonly control: ControlFile;
  readonly looked: Looked;
  readonly signal: AbortSignal;
}

async function checkFile({ memory, control, looked, signal }: Look, path: string): Promise<void> {
  const fd = openSource(path);
  if (fd === undefined) return;
  const { pageBytes, pagesPerFile } = control;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const firstBlock = (parseRelationFile(name)?.segment ?? 0) * pagesPerFile;
  try {
    for (let from = 0; ; from += extentBytes) {
      if (signal.aborted) throw signal.reason ?? fail('cancelled', { what: 'the drill' });
      const length = readFully({ fd, path }, memory.bytes, from);
      const stretch = { fd, path, at: 0, from, length, firstBlock };
      // Why never torn: no log follows that would bring such a page back.
      const { damagedBlocks } = await verifyPages(memory, stretch, { pageBytes, beginAt: Number.MAX_SAFE_INTEGER });
      looked.pages += Math.floor(length / pageBytes);
      looked.count += damagedBlocks.length;
      for (const block of damagedBlocks.slice(0, mostNamed - looked.damaged.length))
        looked.damaged.push(`${path} block ${String(block)}`);
      if (length < extentBytes) return;
      await turn();
    }
  } finally {
    closeSource(fd);
  }
}
