import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { Changed, ChangedPagesSource } from '#core/changed/changed-pages.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { historyName } from '#core/wal/history-file.ts';
import { absoluteOf } from '#agent/copy/copy-request.ts';
import { beginBackup, endBackup } from '#agent/backup/backup-mode.ts';
import type { ChangedPagesRequest, OpenedChangedPages } from '#agent/changed/open-changed-pages.ts';
import { openChangedPages } from '#agent/changed/open-changed-pages.ts';
import type { SourceFile } from '#agent/copy/copy-request.ts';
import { readServerFacts } from '#agent/database/server-facts.ts';
import { openSession } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { readControlFile } from '#agent/datadir/reader.ts';
import { scanDataDirectory } from '#agent/datadir/scan.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import { testIds } from './catalog.ts';
import type { LogStage } from './log-stage.ts';
import { clock } from './log-stage.ts';
import { sampleSet } from './samples.ts';

const profile = engineProfile('postgresql');

/** A base: what a set would say of it, and its files as they were. */
export interface CopiedBase {
  readonly summary: SetSummary;
  /** A copy of the data directory with its tablespaces in it. */
  readonly directory: string;
}

async function inSession<T>(stage: LogStage, act: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(stage.order().instance);
  try {
    return await act(session);
  } finally {
    await session.close();
  }
}

/** Copies the files of a running server in backup mode. */
export const copyBase = (stage: LogStage, name: string): Promise<CopiedBase> =>
  inSession(stage, async (session) => {
    const beginLsn = await beginBackup(session, 'postgresql', { label: name, isFast: true });
    const facts = await readServerFacts(session);
    const directory = join(stage.server.folder, name);
    await runTool('cp', ['-aL', stage.server.dataDirectory, directory]);
    const { endLsn } = await endBackup(session, 'postgresql');
    const { timeline, systemId } = facts;
    const summary = { ...sampleSet(testIds('res')), timeline, systemId, beginLsn, endLsn, backupEndLsn: endLsn };
    return { summary, directory };
  });

/** Begins backup mode and asks what changed since a base; `look` runs while backup mode holds. */
export const askChanged = <T>(
  stage: LogStage,
  base: CopiedBase,
  change: { readonly wanted?: ChangedPagesSource },
  look: (opened: OpenedChangedPages, request: ChangedPagesRequest) => Promise<T> | T,
): Promise<T> =>
  inSession(stage, async (session) => {
    const { server, pools } = stage;
    const [access] = pools;
    if (access === undefined) return Promise.reject(new Error('the stage has no pool'));
    const beginLsn = await beginBackup(session, 'postgresql', { label: 'next', isFast: true });
    const { timeline, insertLsn } = await readServerFacts(session);
    const history =
      timeline === 1 ? '' : readFileSync(join(server.dataDirectory, 'pg_wal', historyName(timeline)), 'utf8');
    const { content: control } = await readControlFile(profile, server.dataDirectory);
    const pool = await openPool(access);
    try {
      const request: ChangedPagesRequest = {
        ...{
          session,
          base: base.summary,
          now: { beginLsn, insertLsn, timeline, history },
          control,
          engine: 'postgresql',
        },
        ...{ dataDirectory: server.dataDirectory, archiveDirectory: server.archiveDirectory, pool, clock },
        ...{ signal: new AbortController().signal, ...change },
      };
      return await look(await openChangedPages(request), request);
    } finally {
      await pool.close();
    }
  });

/** Files that a set of the running server has. */
async function filesNow({ server }: LogStage): Promise<readonly SourceFile[]> {
  const { content } = await readControlFile(profile, server.dataDirectory);
  const { catalogVersion, pagesPerFile } = content;
  const { dataDirectory, major } = server;
  return scanDataDirectory({ profile, dataDirectory, major, catalogVersion, pagesPerFile, hasChecksums: true }).files;
}

interface Overlaid {
  /** Files whose content an incremental set would give wrongly, with the first wrong block. */
  readonly wrong: readonly string[];
  /** Bytes that are read, of files that can be read in part. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

const pageBytes = 8192;
const pageOf = (bytes: Buffer, block: number): Buffer => bytes.subarray(block * pageBytes, (block + 1) * pageBytes);

/** Pages that a scan by LSN stores (engine.md §I). */
function isStoredByLsn(page: Buffer, since: number, insert: number): boolean {
  const lsn = page.readUInt32LE(0) * 4294967296 + page.readUInt32LE(4);
  return lsn === 0 || lsn >= since || lsn > insert || page.readUInt16LE(14) === 0;
}

function isStored(changed: Changed, block: number, pages: { readonly now: Buffer; readonly base: Buffer }): boolean {
  if (changed.kind === 'whole' || pages.base.length < pageBytes) return true;
  if (changed.kind === 'by-hash') return Buffer.compare(pages.now, pages.base) !== 0;
  if (changed.kind === 'by-lsn')
    return isStoredByLsn(pages.now, lsnToNumber(changed.since), lsnToNumber(changed.insertLsn));
  return changed.ranges.some(({ from, to }) => from <= block && block < to);
}

/** Blocks of a file that are not read although they differ from the base, and how many are read. */
function compare(
  changed: Changed,
  now: Buffer,
  before: Buffer,
): { readonly wrong: readonly number[]; readonly read: number } {
  const wrong: number[] = [];
  let read = 0;
  for (let block = 0; changed.kind !== 'whole' && block * pageBytes < now.length; block++) {
    const pages = { now: pageOf(now, block), base: pageOf(before, block) };
    if (isStored(changed, block, pages)) read++;
    else if (Buffer.compare(pages.now, pages.base) !== 0) wrong.push(block);
  }
  return { wrong, read };
}

/** Puts what a source lists over the base and compares with the files as they are: by hand, without the product. */
export async function overlay(
  stage: LogStage,
  base: CopiedBase,
  { pages }: OpenedChangedPages,
  isExcused: (path: string, block: number) => boolean = () => false,
): Promise<Overlaid> {
  const wrong: string[] = [];
  let [bytesRead, bytesTotal] = [0, 0];
  for (const { path, ...file } of await filesNow(stage)) {
    const now = readFileSync(absoluteOf({ ...file, path }));
    const basePath = join(base.directory, path);
    const before = existsSync(basePath) ? readFileSync(basePath) : undefined;
    const changed = pages.changedIn({ path, sizeBytes: now.length, baseBytes: before?.length });
    const found = compare(changed, now, before ?? now.subarray(0, 0));
    bytesTotal += now.length;
    bytesRead += found.read * pageBytes;
    for (const block of found.wrong)
      if (!isExcused(path, block)) wrong.push(`${path} block ${String(block)} (${pages.source})`);
  }
  return { wrong, bytesRead, bytesTotal };
}
