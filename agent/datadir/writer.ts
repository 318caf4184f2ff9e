import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EngineFiles } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { crc32c } from '#core/wal/crc32c.ts';
import { demandOwn } from '#agent/ground/foreign.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { readPidFile } from './reader.ts';
import { unwritable } from './writer-errors.ts';
import { asideOf } from './writer-aside.ts';
import { refuseUsedGround } from './writer-ground.ts';
import { claimDirectory, isMarkedFor, markerName, removeMarker } from './writer-marker.ts';
import type { FileOwner } from './writer-paths.ts';
import { canonicalPath, isAbsent, placeMember, refuseClosedParents, refuseNotEmpty } from './writer-paths.ts';
import { refuseRunning } from './writer-running.ts';
import { refuseTooLittleSpace } from './writer-space.ts';

/** What a target must be proven for. */
export interface TargetRequest {
  readonly directory: string;
  /** What the files of its engine are called. */
  readonly files: EngineFiles;
  /** Tablespace oid → absolute directory. */
  readonly tablespaces: Readonly<Record<string, string>>;
  readonly runId: string;
  readonly owner: FileOwner;
  /** Canonical directories in which instances of this host keep log. */
  readonly logDirectories?: readonly string[];
  /** Bytes that will be written below the data directory (key '') and below each tablespace (key oid). */
  readonly bytes: Readonly<Record<string, number>>;
}

/**
 * Proves that a target may be written and marks it for this run; the only way to an `EmptyTarget`. A target that the same
 * run marked before is taken up again. Throws `target_running`, `target_not_empty`, `target_of_other_run`,
 * `place_in_use`, `space_too_little`, `target_unwritable`, before anything is changed.
 */
export function prepareTarget(request: TargetRequest): EmptyTarget {
  try {
    return prove(request);
  } catch (error) {
    throw unwritable(request.directory, error);
  }
}

function prove(request: TargetRequest): EmptyTarget {
  const directory = canonicalPath(request.directory);
  const tablespaces = Object.fromEntries(
    Object.entries(request.tablespaces).map(([oid, path]) => [oid, canonicalPath(path)]),
  );
  const roots = [directory, ...Object.values(tablespaces)];
  refuseNested(roots);
  const isResumed = isMarked(directory, request.runId);
  if (isResumed) refuseLiveServer(directory);
  else refuseRunning(directory);
  for (const root of roots) {
    if (!isMarked(root, request.runId)) refuseTaken(root, request);
    refuseClosedParents(root, request.owner);
  }
  if (!isResumed) {
    const need = (path: string, key: string) => ({ path, bytes: request.bytes[key] ?? 0 });
    refuseTooLittleSpace([need(directory, ''), ...Object.entries(tablespaces).map(([oid, path]) => need(path, oid))]);
  }
  for (const root of roots) claim(root, request);
  return new EmptyTarget({
    directory,
    tablespaces,
    files: request.files,
    runId: request.runId,
    owner: request.owner,
    isResumed,
  });
}

/** Where something of this cluster stood until this run moved it aside, it may stand again, whatever lies around it. */
function refuseTaken(root: string, { runId, logDirectories }: TargetRequest): void {
  refuseNotEmpty(root);
  if (isAbsent(asideOf(root, runId))) refuseUsedGround(root, logDirectories);
}

/** The plan compared texts; links may still lead one place into another. */
function refuseNested(roots: readonly string[]): void {
  roots.forEach((path, index) => {
    const holder = roots.find((other, at) => at !== index && (path === other || path.startsWith(`${other}/`)));
    if (holder !== undefined)
      throw fail('target_path_bad', { path, why: `it lies inside ${holder}, another path of this restore` });
  });
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

/** Texts are written in blocks of about so many characters. */
const blockLength = 256 * 1024;

function* blocksOf(parts: Iterable<string>): Iterable<Uint8Array> {
  let text = '';
  for (const part of parts) {
    text += part;
    if (text.length < blockLength) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

const isMarked = (path: string, runId: string): boolean => !isAbsent(path) && isMarkedFor(path, runId);

/** Our own unfinished target may hold the pid file of a server that died with us, but no server that lives. */
function refuseLiveServer(directory: string): void {
  const file = readPidFile(directory);
  if (file?.isAlive === true) refuseRunning(directory);
}

function claim(path: string, { runId, owner }: TargetRequest): void {
  makeParents(dirname(path));
  if (isAbsent(path)) mkdirSync(path, { mode: 0o700 });
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, 0o700);
  claimDirectory(path, runId, owner);
  syncDirectory(dirname(path));
}

function makeParents(path: string): void {
  if (!isAbsent(path)) return;
  makeParents(dirname(path));
  mkdirSync(path, { mode: 0o755 });
  syncDirectory(dirname(path));
}

async function syncName(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A small file as it was written. */
interface WrittenFile {
  readonly bytes: number;
  /** CRC-32C, unsigned. */
  readonly crc: number;
}

interface Proven {
  readonly directory: string;
  readonly files: EngineFiles;
  readonly tablespaces: Readonly<Record<string, string>>;
  readonly runId: string;
  readonly owner: FileOwner;
  readonly isResumed: boolean;
}

/**
 * A data directory that is being written: empty or begun by this very run, with no server on it. Everything written goes
 * through it or, for file contents, to the paths it gives out (design §3: the only writer of data directories).
 */
export class EmptyTarget implements Proven {
  readonly directory: string;
  readonly files: EngineFiles;
  readonly tablespaces: Readonly<Record<string, string>>;
  readonly runId: string;
  readonly owner: FileOwner;
  /** True when an earlier attempt of the same run wrote here: what is there must be checked, not trusted. */
  readonly isResumed: boolean;
  readonly #directories = new Set<string>();
  readonly #written = new Map<string, WrittenFile>();
  #isFinished = false;

  /** Only `prepareTarget` makes one. */
  constructor(proven: Proven) {
    this.directory = proven.directory;
    this.files = proven.files;
    this.tablespaces = proven.tablespaces;
    this.runId = proven.runId;
    this.owner = proven.owner;
    this.isResumed = proven.isResumed;
    for (const root of this.roots()) this.#directories.add(root);
  }

  /** Absolute path of a member. Throws `target_escapes`. */
  pathOf(member: string): string {
    return placeMember(member, this);
  }

  /** The control file is written by `finish` alone. */
  isControl(member: string): boolean {
    return member === this.files.control;
  }

  /** Makes a directory and those above it. A link or file of that name is an escape, not a directory. */
  makeDirectory(path: string, mode = 0o700): void {
    if (this.#directories.has(path)) return;
    const isBelowRoot = this.roots().some((root) => path.startsWith(`${root}/`));
    if (!isBelowRoot) throw fail('target_escapes', { path, directory: this.directory });
    this.makeDirectory(dirname(path));
    if (isAbsent(path)) mkdirSync(path);
    else if (!lstatSync(path).isDirectory()) throw fail('target_escapes', { path, directory: this.directory });
    chmodSync(path, mode);
    chownSync(path, this.owner.uid, this.owner.gid);
    this.#directories.add(path);
  }

  /** Makes the links of tablespaces; the server makes them again from tablespace_map. */
  linkTablespaces(): void {
    for (const [oid, place] of Object.entries(this.tablespaces)) {
      const path = join(this.directory, this.files.tablespaces, oid);
      this.makeDirectory(dirname(path));
      rmSync(path, { force: true });
      symlinkSync(place, path);
    }
  }

  /**
   * Writes a small file as a whole: a reader sees all of it or nothing. Durable when it returns, once the target is
   * finished; before that, `finish` makes the name durable.
   */
  writeFile(member: string, bytes: Uint8Array | string, mode = 0o600): void {
    if (this.isControl(member)) throw fail('target_escapes', { path: member, directory: this.directory });
    const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#publish(this.pathOf(member), [content], mode);
    this.#written.set(member, { bytes: content.length, crc: crc32c(content) });
  }

  /** The same for a long text, which is never in memory as a whole; `written` does not know of it. */
  writeText(member: string, parts: Iterable<string>): void {
    if (this.isControl(member)) throw fail('target_escapes', { path: member, directory: this.directory });
    this.#publish(this.pathOf(member), blocksOf(parts), 0o600);
  }

  /** What `writeFile` wrote by member, as it was written last. */
  written(): ReadonlyMap<string, WrittenFile> {
    return this.#written;
  }

  /** The same for a log segment, without holding up whoever else works. */
  async writeLog(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(`${this.files.log}/${name}`);
    this.makeDirectory(dirname(path));
    try {
      const file = await open(`${path}.holdfast-tmp`, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.chown(this.owner.uid, this.owner.gid);
        await file.sync();
      } finally {
        await file.close();
      }
      renameSync(`${path}.holdfast-tmp`, path);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Removes what an interrupted attempt left and this run does not want: only inside what it marked itself. Throws `holds_foreign`. */
  removeAllBut(wanted: ReadonlySet<string>): void {
    for (const root of this.roots()) demandOwn(root, 'parts');
    for (const root of this.roots()) this.#prune(root, wanted);
  }

  /**
   * Puts the control file into place: before this a server refuses to start. All names are made durable first, all files
   * are durable already (peers.md §5 items 19, 20). Throws `target_unwritable`.
   */
  async finish(control: Uint8Array): Promise<void> {
    try {
      this.makeDirectory(this.#shared());
      await Promise.all([...this.#directories].map(syncName));
    } catch (error) {
      throw unwritable(this.directory, error);
    }
    this.#isFinished = true;
    this.#publish(join(this.directory, this.files.control), [control], 0o600);
  }

  /** Takes the control file away again, first of all, when a begun target is written anew. */
  unfinish(): void {
    rmSync(join(this.directory, this.files.control), { force: true });
    if (!isAbsent(this.#shared())) syncDirectory(this.#shared());
  }

  /** Removes the marks: the target is a data directory like any other from here on. */
  release(): void {
    for (const root of this.roots()) removeMarker(root);
  }

  /** Deletes what this run wrote, marks last, so that a killed clean-up is continued by the same run only. */
  discard(): void {
    for (const root of this.roots()) demandOwn(root, 'parts');
    this.unfinish();
    this.removeAllBut(new Set());
    this.release();
    this.#directories.clear();
  }

  roots(): readonly string[] {
    return [this.directory, ...Object.values(this.tablespaces)];
  }

  #shared(): string {
    return dirname(join(this.directory, this.files.control));
  }

  #publish(path: string, blocks: Iterable<Uint8Array>, mode: number): void {
    this.makeDirectory(dirname(path));
    const temporary = `${path}.holdfast-tmp`;
    try {
      const file = openSync(temporary, 'w', 0o600);
      try {
        for (const bytes of blocks) writeWhole(file, bytes);
        fchmodSync(file, mode & 0o7777);
        fchownSync(file, this.owner.uid, this.owner.gid);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      if (this.#isFinished) syncDirectory(dirname(path));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  #prune(directory: string, wanted: ReadonlySet<string>): void {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.name === markerName && this.roots().includes(directory)) continue;
      if (entry.isDirectory()) {
        this.#prune(path, wanted);
        if (!wanted.has(path) && readdirSync(path).length === 0) rmSync(path, { recursive: true });
      } else if (!wanted.has(path) || entry.isSymbolicLink()) unlinkSync(path);
    }
  }
}
