import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fieldsOf, parseJson, textField } from '#core/format/fields.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import {
  logicalMetaKey,
  logicalPrefix,
  logicalSetPrefix,
  logicalStartKey,
  setMetaKey,
  setPrefix,
  setStartKey,
} from '#core/format/object-key.ts';
import type { RunId, SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { CollectTask } from '#core/care/care-task.ts';
import type { ObjectInfo } from '#core/ports/object-store.ts';
import { openObject } from '#agent/codec/sealed-object.ts';
import type { CareWork } from './care-work.ts';
import { removeAllBelow, removeRest } from './delete-set.ts';
import { isAtWorkHere } from './at-work-here.ts';
import { objectsBelow, protectionOf } from './remove-objects.ts';

const sideShape = /^(?:marks|keys)\/(set_[0-9a-f]{32})\//;

/** Where sets of a kind lie in a pool. */
interface Tree {
  /** Parts of a key: set, then `meta`, `start` or an attempt. */
  readonly shape: RegExp;
  readonly prefix: string;
  startOf(set: SetId): ObjectKey;
  metaOf(set: SetId): ObjectKey;
  removeRest(work: CareWork, set: SetId): Promise<void>;
}

const setTree: Tree = {
  shape: /^sets\/(set_[0-9a-f]{32})\/(meta$|start$|try_([0-9a-f]{32})\/)/,
  ...{ prefix: 'sets/', startOf: setStartKey, metaOf: setMetaKey, removeRest },
};
const logicalTree: Tree = {
  shape: /^logical\/(set_[0-9a-f]{32})\/(meta$|start$|try_([0-9a-f]{32})\/)/,
  ...{ prefix: logicalPrefix(), startOf: logicalStartKey, metaOf: logicalMetaKey },
  removeRest: (work, set) => removeAllBelow(work, logicalSetPrefix(set), logicalStartKey(set)),
};

/** Objects of a set that has no `meta`. */
interface Orphan {
  readonly setId: SetId;
  objects: number;
  bytes: number;
  hasStart: boolean;
  lastTriedMs: number;
}

/**
 * Collects pieces of sets that never became one, and marks and keys of sets that are gone: only of runs that have ended, older than the
 * grace time, never while the run may still go on. Right before each deletion the API is asked again and the pool is looked at for `meta`.
 */
export async function collectOrphans(work: CareWork, task: CollectTask): Promise<void> {
  for (const tree of [setTree, logicalTree]) {
    for await (const orphan of orphansOf(work, tree)) {
      work.step.signal.throwIfAborted();
      await collect(work, task, orphan, tree);
    }
  }
  for (const orphan of await sidesAlone(work)) {
    work.step.signal.throwIfAborted();
    await collect(work, task, orphan, setTree);
  }
}

/** Marks and keys of sets of which nothing else is there: they were protected longer than their set when it was deleted. */
async function sidesAlone({ pool }: CareWork): Promise<readonly Orphan[]> {
  const found = new Map<SetId, Orphan>();
  for (const prefix of ['marks/', 'keys/']) {
    for await (const { key, sizeBytes } of pool.store.list(prefix)) {
      const id = sideShape.exec(key)?.[1];
      if (id === undefined) continue;
      const setId = parseId('set', id);
      const { objects, bytes } = found.get(setId) ?? { objects: 0, bytes: 0 };
      const lastTriedMs = timeOf(setId.slice(4));
      found.set(setId, { setId, objects: objects + 1, bytes: bytes + sizeBytes, hasStart: false, lastTriedMs });
    }
  }
  const alone: Orphan[] = [];
  for (const orphan of found.values())
    if ((await objectsBelow(pool, setPrefix(orphan.setId))).length === 0) alone.push(orphan);
  return alone;
}

async function collect(work: CareWork, task: CollectTask, orphan: Orphan, tree: Tree): Promise<void> {
  const { setId } = orphan;
  const madeBy = orphan.hasStart ? await runOf(work, tree.startOf(setId)) : undefined;
  if (madeBy !== undefined && isAtWorkHere(work.deps.home, madeBy)) {
    work.keep(setId, `run ${madeBy} is at work on this host`);
    return;
  }
  const { graceHours, isDryRun } = task;
  const verdict = await work.claim({
    ...{ kind: 'orphan', setId, lastTriedAt: instantFromMs(orphan.lastTriedMs), graceHours, isDryRun },
    ...(madeBy === undefined ? {} : { madeBy }),
  });
  if (verdict.verdict === 'refused') {
    work.keep(setId, verdict.why);
    return;
  }
  work.sets += 1;
  if (isDryRun) {
    work.add({ objects: orphan.objects, bytes: orphan.bytes });
    return;
  }
  // Why again: its run has ended, so nobody commits it now, but the listing is older than the verdict.
  if ((await work.pool.store.head(tree.metaOf(setId))) !== undefined) {
    await work.tell({ kind: 'orphan', setId, step: 'kept' });
    work.keep(setId, 'it was committed meanwhile');
    return;
  }
  const refusal = await tree.removeRest(work, setId).then(() => undefined, protectionOf);
  await work.tell({ kind: 'orphan', setId, step: refusal === undefined ? 'done' : 'kept' });
  if (refusal !== undefined) work.keep(setId, refusal);
}

/** Groups the listing by set. Objects of a set follow each other, and `meta` is the first of them. */
async function* orphansOf({ pool }: CareWork, { prefix, shape }: Tree): AsyncIterable<Orphan> {
  let current: (Orphan & { isSet: boolean }) | undefined;
  for await (const info of pool.store.list(prefix)) {
    const found = shape.exec(info.key);
    if (found === null) continue;
    const setId = parseId('set', found[1] ?? '');
    if (current?.setId !== setId) {
      if (current !== undefined && !current.isSet) yield current;
      current = { setId, objects: 0, bytes: 0, hasStart: false, lastTriedMs: timeOf(setId.slice(4)), isSet: false };
    }
    grow(current, info, { part: found[2] ?? '', attempt: found[3] });
  }
  if (current !== undefined && !current.isSet) yield current;
}

function grow(
  orphan: Orphan & { isSet: boolean },
  { sizeBytes }: ObjectInfo,
  { part, attempt }: { readonly part: string; readonly attempt: string | undefined },
): void {
  orphan.objects += 1;
  orphan.bytes += sizeBytes;
  orphan.isSet ||= part === 'meta';
  orphan.hasStart ||= part === 'start';
  if (attempt !== undefined) orphan.lastTriedMs = Math.max(orphan.lastTriedMs, timeOf(attempt));
}

/** Milliseconds since 1970 in the first 48 bits of a UUIDv7 (RFC 9562 §5.7). */
const timeOf = (hex: string): number => parseInt(hex.slice(0, 12), 16);

/** The run that began a set, by its `start`; undefined when that is damaged: then only the age of the pieces counts. */
async function runOf({ pool }: CareWork, object: ObjectKey): Promise<RunId | undefined> {
  try {
    const body = openObject(await pool.store.get(object), { pool: pool.id, object, kind: 'start' });
    return parseId('run', textField(fieldsOf(parseJson(Buffer.from(body).toString('utf8'), object), object), 'runId'));
  } catch (error) {
    if (!(error instanceof HoldfastError))
      throw fail('object_damaged', { pool: pool.name, object, what: 'it cannot be read' }, error);
    if (error.isRetryable) throw error;
    return undefined;
  }
}
