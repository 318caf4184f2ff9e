import { deepStrictEqual, ok } from 'node:assert';
import type { Context } from '#api/context.ts';
import { makeCarePlan } from '#api/starts/care-plan.ts';
import { careTask } from '#api/starts/care-task.ts';
import { indexSet } from '#catalog/backup-sets.ts';
import { storeVerify } from '#catalog/pools/verification.ts';
import { claimDeletion, recordDeletion } from '#catalog/pools/deletions.ts';
import { addJob } from '#catalog/jobs.ts';
import { acquireLeases } from '#catalog/pools/leases.ts';
import { indexBatch } from '#catalog/log-batches.ts';
import type { PoolRow } from '#catalog/pools/pools.ts';
import { storePolicy } from '#catalog/pools/retention.ts';
import { addRun, getRun, moveRun } from '#catalog/runs/runs.ts';
import { indexMarks } from '#catalog/pools/set-marks.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { CareTask } from '#core/care/care-task.ts';
import { refusalOf, standingOf } from '#core/care/mark.ts';
import type { CarePlan } from '#core/care/retention-plan.ts';
import { deletionsOf } from '#core/care/same-world.ts';
import { bug } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { HostId, RunId, SetId } from '#core/id.ts';
import { formatId } from '#core/id.ts';
import { microsOfInstant } from '#core/instant.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { CareOfJob, JobSpecOf } from '#core/settings/job-spec.ts';
import { careForPool } from '#agent/care/care-for-pool.ts';
import { putMark, readMarks } from '#agent/care/marks.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import { commitBackupSet } from '#agent/sets/commit-backup-set.ts';
import { putLogSegment, sealBatch } from '#agent/sets/log-objects.ts';
import { readBatches } from '#agent/wal/committed-log.ts';
import { drawing, policies } from './care-draw.ts';
import { CareWorld } from './care-world.ts';
import type { WorldEvent } from './care-world.ts';
import type { TestCatalog } from './catalog.ts';
import { noScrub } from './care-stage.ts';
import { testIds } from './catalog.ts';
import type { ModelStage } from './care-model-stage.ts';
import { openModelStage, quietStep } from './care-model-stage.ts';
import { emptyModel } from './care-reference.ts';

/**
 * A real pool, a real catalog and the real agent against a reference model: sets, log, marks, readers, damage, plans that
 * are killed and resumed, removal and leftovers, in any order. After each operation pool and model hold the same.
 */
export class CareModel {
  readonly #world = new CareWorld();
  readonly #model = emptyModel();
  readonly #lastSha = new Map<string, string>();
  readonly #store: TestCatalog;
  readonly #context: Context;
  readonly #access: PoolAccess;
  readonly #pool: Pool;
  readonly #row: PoolRow;
  readonly #hostId: HostId;
  readonly #home: string;
  readonly #draw: (n: number) => number;
  readonly #closeAll: () => Promise<void>;
  readonly counts: Record<string, number> = {};

  private constructor(parts: ModelStage, seed: number) {
    this.#store = parts.store;
    this.#access = parts.access;
    this.#pool = parts.pool;
    this.#row = parts.row;
    this.#hostId = parts.hostId;
    this.#home = parts.home;
    this.#draw = drawing(seed);
    this.#closeAll = parts.close;
    const clock = { nowMs: () => microsOfInstant(this.#world.now) / 1000 };
    this.#context = { catalog: parts.store.catalog, clock, ids: testIds } as unknown as Context;
  }

  static async open(seed: number): Promise<CareModel> {
    return new CareModel(await openModelStage(), seed);
  }

  close(): Promise<void> {
    return this.#closeAll();
  }

  /** One random operation and the comparison after it. */
  async step(): Promise<void> {
    const operations: readonly (readonly [string, number, () => Promise<void>])[] = [
      ['set', 8, () => this.#takeSet()],
      ['log', 8, () => this.#backUpLog()],
      ['pass', 5, () => this.#happen({ kind: 'pass', hours: 1 + this.#draw(40) })],
      ['mark', 6, () => this.#mark()],
      ['damage', 1, () => this.#damage()],
      ['fork', 1, () => this.#happen({ kind: 'fork', back: this.#draw(6) })],
      ['read', 4, () => this.#read()],
      ['end', 4, () => this.#endReader()],
      ['orphan', 2, () => this.#leaveOrphan()],
      ['policy', 1, () => this.#choosePolicy()],
      ['retention', 6, () => this.#retain()],
      ['remove', 1, () => this.#remove()],
      ['collect', 2, () => this.#collect()],
    ];
    let at = this.#draw(operations.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [name, weight, act] of operations) {
      at -= weight;
      if (at >= 0) continue;
      await act();
      this.#count(name, 1);
      // Why not always: looking at every object costs more than most operations.
      const isDeleting = name === 'retention' || name === 'remove' || name === 'collect';
      return isDeleting || this.#draw(8) === 0 ? this.compare() : undefined;
    }
  }

  /** Pool and catalog hold exactly what the model says; marks are as they were made; the chain of batches is explained. */
  async compare(): Promise<void> {
    const pool = { sets: new Set<string>(), orphans: new Set<string>(), batches: new Set<string>() };
    for await (const { key } of this.#pool.store.list('')) {
      const [, set, rest] = /^sets\/([^/]+)\/(.*)$/.exec(key) ?? [];
      if (set !== undefined && rest === 'meta') pool.sets.add(set);
      if (set !== undefined && rest !== 'meta') pool.orphans.add(set);
      const [, batch] = /batches\/[0-9A-F]{16}-(batch_.*)$/.exec(key) ?? [];
      if (batch !== undefined) pool.batches.add(batch);
    }
    for (const set of pool.sets) pool.orphans.delete(set);
    deepStrictEqual([...pool.sets].sort(), [...this.#model.sets].sort());
    deepStrictEqual([...pool.batches].sort(), [...this.#model.batches].sort());
    deepStrictEqual([...pool.orphans].sort(), [...this.#model.orphans.keys()].sort());
    for (const chain of this.#model.readers.values()) for (const setId of chain) ok(pool.sets.has(setId), setId);
  }

  /** The slow part of the comparison: every mark, every batch, every segment that a batch names. */
  async compareDeeply(): Promise<void> {
    for (const setId of this.#model.sets) {
      const { marks, unreadable } = await readMarks(this.#pool, setId);
      deepStrictEqual(unreadable, []);
      const made = this.#marksOf(setId).map(({ markId }) => markId);
      deepStrictEqual(
        marks.map(({ markId }) => markId),
        made,
      );
    }
    const keys = new Set<string>();
    for await (const { key } of this.#pool.store.list('logs/')) keys.add(key);
    const problems: string[] = [];
    for await (const batch of readBatches(this.#pool, ({ message }) => problems.push(message)))
      for (const { object } of batch.segments) {
        const key = `logs/${batch.systemId}/${batch.branchId}/${object}`;
        ok(keys.has(key), `${key} of a batch is there`);
      }
    deepStrictEqual(problems, []);
  }

  #marksOf(setId: SetId) {
    return this.#world.marks.filter((mark) => mark.setId === setId);
  }

  #happen(event: WorldEvent): Promise<void> {
    this.#world.apply(event);
    return Promise.resolve();
  }

  #some<T>(items: Iterable<T>): T | undefined {
    const all = [...items];
    return all[this.#draw(Math.max(1, all.length))];
  }

  async #takeSet(): Promise<void> {
    const type = (['full', 'differential', 'cumulative'] as const)[this.#draw(3)] ?? 'full';
    this.#world.apply({ kind: 'set', type, isConsistent: this.#draw(4) > 0, isForeign: this.#draw(150) === 0 });
    const summary = this.#world.sets[this.#world.sets.length - 1];
    if (summary === undefined) throw bug('a set was taken');
    const { setId, runId, attemptId: attempt } = summary;
    const keys = await beginSet(this.#pool, { setId, runId });
    await this.#pool.store.putIfAbsent(pieceKey(setId, attempt, 1), Buffer.from(setId));
    const pieces = [{ piece: 1, attempt, storedBytes: setId.length }];
    const members = [{ kind: 'directory' as const, path: 'pg_wal', mode: 448 }];
    // The pool keeps it as a full without log: chains are the catalog's here.
    const stored: SetSummary = { ...summary, type: 'full', isConsistent: false };
    Reflect.deleteProperty(stored, 'base');
    await commitBackupSet(this.#pool, keys, { summary: stored, pieces, frames: [], members, damagedPages: [] });
    await indexSet(this.#store.catalog, summary, this.#access.poolId);
    this.#model.sets.add(setId);
  }

  async #backUpLog(): Promise<void> {
    const known = this.#world.batches.length;
    this.#world.apply({ kind: 'log', segments: this.#draw(4), isGap: this.#draw(20) === 0 });
    const made = this.#world.batches[known];
    if (made === undefined) return;
    const segments: BatchSummary['segments'][number][] = [];
    for (const segment of made.segments) {
      const { systemId, branchId } = made;
      const bytes = Buffer.from(`${branchId} ${segment.name}`);
      const put = await putLogSegment(this.#pool, { systemId, branchId, name: segment.object }, bytes, 0);
      segments.push({ ...segment, rawSha256: put.rawSha256, storedSha256: put.storedSha256 });
    }
    const batch: BatchSummary = { ...made, segments, previousSha256: this.#lastSha.get(made.branchId) ?? '' };
    const sealed = sealBatch(this.#pool, batch);
    await this.#pool.store.putIfAbsent(sealed.key, sealed.stored);
    this.#lastSha.set(made.branchId, sealed.storedSha256);
    this.#world.batches[known] = batch;
    await indexBatch(this.#store.catalog, batch, this.#access.poolId);
    this.#model.batches.add(batch.batchId);
  }

  async #mark(): Promise<void> {
    const kinds = ['hold', 'release', 'release', 'pin', 'unpin', 'quarantine', 'unquarantine', 'label'] as const;
    const known = this.#world.marks.length;
    this.#world.apply({
      kind: 'mark',
      at: this.#draw(1000),
      mark: kinds[this.#draw(kinds.length)] ?? 'pin',
      days: this.#draw(6),
    });
    const asked = this.#world.marks[known];
    if (asked === undefined) return;
    const { marks } = await putMark(this.#pool, asked);
    await indexMarks(this.#store.catalog, this.#access.poolId, marks);
  }

  async #damage(): Promise<void> {
    const known = new Set(this.#world.damaged.keys());
    this.#world.apply({ kind: 'damage', at: this.#draw(1000) });
    for (const setId of this.#world.damaged.keys())
      if (!known.has(setId))
        await storeVerify(
          this.#store.catalog,
          { id: setId, poolId: this.#access.poolId },
          { objects: 1, bytes: 1, damage: [{ object: 'x', what: 'y' }] },
        );
  }

  #chainOf(setId: SetId): ReadonlySet<SetId> {
    const chain = new Set<SetId>();
    for (let at: SetId | undefined = setId; at !== undefined;) {
      chain.add(at);
      const here: SetId = at;
      at = this.#world.sets.find((set) => set.setId === here)?.base?.setId;
    }
    return chain;
  }

  async #read(): Promise<void> {
    const setId = this.#some(this.#model.sets);
    if (setId === undefined || this.#model.readers.size > 4) return;
    const reader = await this.#run({ does: 'collect', isDryRun: true, graceHours: 1 });
    await acquireLeases(this.#store.catalog, reader, [{ poolId: this.#access.poolId, sets: [setId], log: [] }]);
    this.#model.readers.set(reader, this.#chainOf(setId));
  }

  async #endReader(): Promise<void> {
    const reader = this.#some(this.#model.readers.keys());
    if (reader === undefined) return;
    await this.#end(reader);
    this.#model.readers.delete(reader);
  }

  async #leaveOrphan(): Promise<void> {
    const random = new Uint8Array(10).map(() => this.#draw(256));
    const nowMs = microsOfInstant(this.#world.now) / 1000;
    const [setId, attempt] = [formatId('set', nowMs, random), formatId('try', nowMs, random)];
    const runId = await this.#run({ does: 'collect', isDryRun: true, graceHours: 1 });
    await beginSet(this.#pool, { setId, runId });
    await this.#pool.store.putIfAbsent(pieceKey(setId, attempt, 1), Buffer.from('left'));
    // Why: the handle of this test must not sync later what somebody else has collected by then.
    await this.#pool.store.barrier();
    const hasEnded = this.#draw(3) > 0;
    if (hasEnded) {
      await this.#end(runId);
      await this.#store.catalog.change('update run set closed_at = $2 where id = $1', [runId, this.#world.now]);
    }
    this.#model.orphans.set(setId, { endedMs: hasEnded ? nowMs : undefined });
  }

  async #choosePolicy(): Promise<void> {
    const policy = policies[this.#draw(policies.length)];
    const { poolId } = this.#access;
    if (this.#world.sets.some(({ resourceId }) => resourceId === this.#world.own))
      await storePolicy(this.#store.catalog, { poolId, resourceId: this.#world.own, policy, setBy: 'model' });
  }

  async #retain(): Promise<void> {
    const plan = await makeCarePlan(this.#context, { scope: this.#scope(), madeBy: 'model' });
    await this.#execute(plan);
  }

  async #remove(): Promise<void> {
    const setId = this.#some(this.#model.sets);
    if (setId === undefined) return;
    try {
      await this.#execute(await makeCarePlan(this.#context, { scope: this.#scope(), setId, madeBy: 'model' }));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'set_protected') throw error;
    }
  }

  #scope() {
    return { resourceId: this.#world.own, pool: this.#row };
  }

  /** Executes a plan, killed now and then between two steps; the model is changed by what must come of it. */
  async #execute(plan: CarePlan): Promise<void> {
    const runId = await this.#run({ does: 'plan', planId: plan.planId });
    const spec = this.#spec({ does: 'plan', planId: plan.planId });
    const task = await careTask(this.#context, await getRun(this.#store.catalog, runId), spec);
    const { batches } = deletionsOf(plan);
    const kept = this.#predict(task);
    for (let kills = this.#draw(3); ; kills--) {
      const hasEnded = await this.#care(runId, task, kills > 0 ? this.#draw(4) : undefined);
      if (hasEnded) break;
      this.#count('kills', 1);
    }
    await this.#end(runId);
    const goneLog = kept === 0 ? batches : [];
    for (const batch of goneLog) this.#model.batches.delete(batch);
    this.#forgetGone(goneLog);
    this.#count('spared', kept);
    this.#count('deleted batches', goneLog.length);
  }

  #count(what: string, by: number): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Who goes, found one after the other by hand: not what is marked, read, or still built upon. Returns how many stay. */
  #predict(task: CareTask): number {
    if (task.task !== 'delete') return 0;
    let kept = 0;
    for (const setId of task.sets) {
      const isMarked = refusalOf(standingOf(this.#marksOf(setId)), this.#world.now) !== undefined;
      const isRead = [...this.#model.readers.values()].some((chain) => chain.has(setId));
      const hasChild = this.#world.sets.some((set) => set.base?.setId === setId && this.#model.sets.has(set.setId));
      if (isMarked || isRead || hasChild) kept += 1;
      else if (this.#model.sets.delete(setId)) this.#count('deleted sets', 1);
    }
    return kept;
  }

  #forgetGone(batches: readonly string[]): void {
    const gone = this.#world.sets.map(({ setId }) => setId).filter((setId) => !this.#model.sets.has(setId));
    this.#world.forget(new Set<string>(gone), new Set(batches));
  }

  async #collect(): Promise<void> {
    const graceHours = 1 + this.#draw(48);
    const runId = await this.#run({ does: 'collect', isDryRun: false, graceHours });
    await this.#care(runId, { task: 'collect', isDryRun: false, graceHours }, undefined);
    await this.#end(runId);
    const beforeMs = microsOfInstant(this.#world.now) / 1000 - graceHours * 3_600_000;
    for (const [setId, { endedMs }] of this.#model.orphans)
      if (endedMs !== undefined && endedMs <= beforeMs) this.#model.orphans.delete(setId);
  }

  /** The agent at work; killed when it tells of the step with that number. Returns false when it was killed. */
  async #care(runId: RunId, task: CareTask, killAt: number | undefined): Promise<boolean> {
    const { catalog } = this.#store;
    const who = { runId, poolId: this.#access.poolId, now: this.#world.now };
    let told = 0;
    const dying = bug('killed');
    const care = careForPool({
      ...{ home: this.#home, clock: this.#context.clock, newId: testIds },
      channel: {
        ...noScrub,
        claimDeletion: (_run, claim) => claimDeletion(catalog, who, claim),
        tellDeleted: (_run, step) => (told++ === killAt ? Promise.reject(dying) : recordDeletion(catalog, who, step)),
      },
    });
    try {
      await care({ kind: 'care', runId, hostId: this.#hostId, pool: this.#access, task }, quietStep(runId));
      return true;
    } catch (error) {
      if (error === dying) return false;
      throw error;
    }
  }

  #spec(care: CareOfJob): JobSpecOf<'care'> {
    const common = { reconnectMinutes: 1, whenBusy: 'wait' as const };
    return { ...common, kind: 'care', hostId: this.#hostId, poolId: this.#access.poolId, care };
  }

  async #run(care: CareOfJob): Promise<RunId> {
    const [id, jobId] = [testIds('run'), testIds('job')];
    const spec = this.#spec(care);
    await addJob(this.#store.catalog, { id: jobId, name: 'model', spec, createdBy: 'model' });
    await addRun(this.#store.catalog, { id, jobId, spec, hostId: this.#hostId, startedBy: 'model' });
    await moveRun(this.#store.catalog, id, 'running');
    return id;
  }

  #end(runId: RunId): Promise<void> {
    return moveRun(this.#store.catalog, runId, 'failed', { state: 'failed', code: 'bug', params: {}, message: 'over' });
  }
}
