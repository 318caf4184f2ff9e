import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { removeTree } from '#agent/datadir/remove-tree.ts';
import { unwritable } from '#agent/datadir/writer-errors.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { canonicalPath, refuseClosedParents } from '#agent/datadir/writer-paths.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';
import { stopLeftServer } from '#agent/restore/recovery/stop-left-server.ts';

/** Where the scratch instances of this host lie. */
export interface ScratchGround {
  /** The agent's own directory: it remembers there what it began. */
  readonly home: string;
  /** `HOLDFAST_AGENT_SCRATCH`; below the agent's directory when absent. */
  readonly root?: string | undefined;
}

/** Names the run whose scratch instance a directory is: without it nothing is removed. */
const markName = '.holdfast-scratch';
const noteName = 'scratch.json';

/** The directory below which every scratch instance of the host gets one of its own. */
export const scratchRoot = ({ home, root }: ScratchGround): string => root ?? join(home, 'scratch');
const noteOf = ({ home }: ScratchGround, runId: RunId): string => join(home, 'runs', runId, noteName);

/**
 * Makes the directory of the scratch instance of a run, or finds the one that an earlier attempt made. What it is going
 * to make is written down first, so that it is found again after a crash at any instant. Throws `target_unwritable`.
 */
export function makeScratchBase(ground: ScratchGround, runId: RunId, owner: FileOwner): string {
  const root = scratchRoot(ground);
  const path = join(root, runId);
  try {
    mkdirSync(join(ground.home, 'runs', runId), { recursive: true, mode: 0o700 });
    if (!existsSync(noteOf(ground, runId))) writeDurably(noteOf(ground, runId), JSON.stringify({ base: path }));
    mkdirSync(root, { recursive: true, mode: 0o711 });
    letThrough(ground, owner);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // The mark first, by ourselves: the account of the server could put anything into a directory of its own.
    if (markOf(path) !== runId) writeDurably(join(path, markName), `${runId}\n`);
    chownSync(path, owner.uid, owner.gid);
    syncDirectory(root);
  } catch (error) {
    throw unwritable(path, error);
  }
  const canonical = canonicalPath(path);
  refuseClosedParents(canonical, owner);
  return canonical;
}

/** Root's own directory is closed to the account of the server: names in it may be passed, not read. */
function letThrough({ home, root }: ScratchGround, owner: FileOwner): void {
  if (root !== undefined || owner.uid === process.getuid?.()) return;
  for (const path of [home, join(home, 'scratch')]) {
    const { mode, uid } = statSync(path);
    if (uid === process.getuid?.()) chmodSync(path, (mode & 0o7777) | 0o011);
  }
}

/** Runs of this host that began a scratch instance of which nothing says that it is gone. */
export function begunScratches(ground: ScratchGround): readonly RunId[] {
  const runs = join(ground.home, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(join(runs, name, noteName)))
    .map((name) => parseId('run', name));
}

/**
 * Stops the server of the scratch instance of a run and removes its directory: only one that carries the mark of the run.
 * Safe to call again, and after kill -9 at any instant. Throws `target_running`, `target_unwritable`, `holds_foreign`.
 */
export async function discardScratch(ground: ScratchGround, runId: RunId): Promise<void> {
  const base = notedBase(ground, runId);
  if (base === undefined) return;
  openRestoreJournal(ground.home, runId).forget();
  if (markOf(base) === runId) {
    for (const name of readdirSync(base)) demandOwn(join(base, name));
    await stopLeftServer(join(base, 'data'));
    await empty(base);
  }
  // The mark goes with its directory in one step: a crash before it leaves both, after it a name that is nobody's data.
  removeMarked(base);
  rmSync(socketFolder(runId), { recursive: true, force: true });
  rmSync(noteOf(ground, runId), { force: true });
  syncDirectory(join(ground.home, 'runs', runId));
}

/** The mark stays until everything else is gone, so that a clean-up that was killed is continued. */
async function empty(base: string): Promise<void> {
  try {
    for (const name of readdirSync(base).filter((one) => one !== markName)) await removeTree(join(base, name));
    syncDirectory(base);
  } catch (error) {
    throw unwritable(base, error);
  }
}

/** Where the socket goes when the path of the scratch instance is too long for one (agent/restore/recovery/socket.ts). */
const socketFolder = (runId: RunId): string => join(tmpdir(), `holdfast-${runId.slice(-16)}`);

function removeMarked(base: string): void {
  const gone = `${base}.gone`;
  try {
    const isOurs = existsSync(base) && (markOf(base) !== undefined || readdirSync(base).length === 0);
    if (isOurs) renameSync(base, gone);
    rmSync(gone, { recursive: true, force: true });
  } catch (error) {
    throw unwritable(base, error);
  }
}

function notedBase(ground: ScratchGround, runId: RunId): string | undefined {
  const path = noteOf(ground, runId);
  if (!existsSync(path)) return undefined;
  const noted: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const isBase = typeof noted === 'object' && noted !== null && 'base' in noted && typeof noted.base === 'string';
  return isBase && typeof noted.base === 'string' ? noted.base : undefined;
}

function markOf(base: string): string | undefined {
  const path = join(base, markName);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

function writeDurably(path: string, text: string): void {
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
  syncDirectory(join(path, '..'));
}
