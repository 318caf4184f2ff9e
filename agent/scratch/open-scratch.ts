import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceAccess, OrderOf } from '#core/agent/order.ts';
import type { EngineProfile } from '#core/engine/profile.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ResourceId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { RestoreReport } from '#core/restore/report.ts';
import { inScratch } from '#core/restore/scratch-place.ts';
import { openSession, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';
import { readPidFile } from '#agent/datadir/reader.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import { worksIn } from '#agent/datadir/writer-running.ts';
import { findServer } from '#agent/restore/recovery/find-server.ts';
import { ownerOf } from '#agent/restore/place/owner.ts';
import { endOfStart, startServer } from '#agent/restore/recovery/recover.ts';
import { restore } from '#agent/restore/restore.ts';
import { serverLogOf } from '#agent/restore/restore-copy.ts';
import type { RestoreDeps } from '#agent/restore/restore-work.ts';
import type { ScratchGround } from './scratch-base.ts';
import { discardScratch, makeScratchBase } from './scratch-base.ts';

export type ScratchDeps = RestoreDeps & Pick<ScratchGround, 'root'>;

/** A planned restore whose place is `scratchPlace` (core/restore/scratch-place.ts). */
interface ScratchRequest extends Pick<
  OrderOf<'restore'>,
  'runId' | 'hostId' | 'pool' | 'plan' | 'limits' | 'channels' | 'resumeBufferBytes'
> {
  /** Whose data it is. */
  readonly resourceId: ResourceId;
  /** Role that may exist in it, for example that of the stored login; the product's own default is tried, too. */
  readonly user?: string | undefined;
}

/** An instance of this run alone, open at the point of its plan. */
export interface Scratch {
  readonly directory: string;
  /** Its private socket, with the role that initdb made and without a password. */
  readonly access: InstanceAccess & { readonly login: NonNullable<InstanceAccess['login']> };
  /** Directory of the programs of its server. */
  readonly programs: string;
  readonly report: RestoreReport;
  /** A session of its own superuser. */
  session(database?: string): Promise<Session>;
  /** Stops it and removes its directory. Safe to call again. */
  discard(): Promise<void>;
}

/**
 * Restores to a scratch instance and opens it. Safe to call again with the same request after a kill: what is restored is
 * not restored again, a server that died is started again. A request that was cancelled, or failed for good, leaves
 * nothing. Throws what a restore throws, `scratch_closed`.
 */
export const openScratch =
  (deps: ScratchDeps) =>
  (request: ScratchRequest, step: StepContext): Promise<Scratch> =>
    openOn(deps, { request, step, ground: scratchGround(deps, request) });

/** Where an instance of a run is restored. */
export interface InstanceGround {
  /** Makes room, safe to call again: the plan with its real place, and who owns what is written there. */
  prepare(): Promise<{ readonly plan: RestorePlan; readonly owner: FileOwner }>;
  /** Leaves the place as it was. Safe to call again. */
  discard(): Promise<void>;
}

function scratchGround(deps: ScratchDeps, request: ScratchRequest): InstanceGround {
  const { runId, plan } = request;
  return {
    prepare: () => {
      const owner = ownerOf(orderOf(request), deps.account);
      return Promise.resolve({ owner, plan: inScratch(plan, makeScratchBase(deps, runId, owner)) });
    },
    discard: () => discardScratch(deps, runId),
  };
}

export interface Opening {
  readonly request: ScratchRequest;
  readonly step: StepContext;
  readonly ground: InstanceGround;
}

/** As `openScratch`, on a ground of its own. */
export async function openOn(deps: ScratchDeps, opening: Opening): Promise<Scratch> {
  const { step, ground } = opening;
  try {
    return await begin(deps, opening);
  } catch (error) {
    const isToGo = step.signal.aborted ? isCancelled(step.signal.reason) : !isRetryable(error);
    if (isToGo) await ground.discard();
    throw error;
  }
}

function orderOf(request: ScratchRequest): OrderOf<'restore'> {
  const { runId, hostId, pool, plan, limits, channels, resumeBufferBytes } = request;
  const buffer = resumeBufferBytes === undefined ? {} : { resumeBufferBytes };
  return { kind: 'restore', runId, hostId, pool, plan, limits, channels, ...buffer };
}

const isCancelled = (reason: unknown): boolean => reason instanceof HoldfastError && reason.code === 'cancelled';
const isRetryable = (error: unknown): boolean => error instanceof HoldfastError && error.isRetryable;

async function begin(deps: ScratchDeps, { request, step, ground }: Opening): Promise<Scratch> {
  const { resourceId, user } = request;
  const { plan, owner } = await ground.prepare();
  const order = { ...orderOf(request), plan };
  const account = `${String(owner.uid)}:${String(owner.gid)}`;
  const report = await restore({ ...deps, account })(order, step);
  const profile = engineProfile(plan.engine);
  const programs = await findServer(profile, plan.serverMajor, await deps.programs(plan.serverMajor));
  await keepOpen({ deps, order, owner, programs, step });
  const access = await accessOf({ report, plan, profile, resourceId, user });
  return {
    ...{ directory: report.directory, access, programs, report },
    discard: () => ground.discard(),
    session: (database) => openSession(access, database),
  };
}

interface OpenedServer {
  readonly deps: ScratchDeps;
  readonly order: OrderOf<'restore'>;
  readonly owner: FileOwner;
  readonly programs: string;
  readonly step: StepContext;
}

/** After a kill of the whole host the files are there, and nobody serves them. */
async function keepOpen({ deps, order, owner, programs, step }: OpenedServer): Promise<void> {
  const { plan } = order;
  const { directory } = plan.place;
  if (isServed(directory)) return;
  const server = await startServer({
    ...{ directory, programs, owner, plan },
    logFile: serverLogOf({ deps, order }),
  });
  const end = await endOfStart(server, { directory, signal: step.signal });
  if (end !== 'ready') throw fail('scratch_closed', { directory, exitCode: String(end) });
}

function isServed(directory: string): boolean {
  const file = isAbsent(directory) ? undefined : readPidFile(directory);
  return file !== undefined && file.status === 'ready' && worksIn(file.pid, realpathSync(directory));
}

interface Door {
  readonly report: RestoreReport;
  readonly plan: RestorePlan;
  readonly profile: EngineProfile;
  readonly resourceId: ResourceId;
  readonly user: string | undefined;
}

/** Which role initdb made is known to the instance alone: any role that exists may ask. Throws `login_refused`. */
async function accessOf({ report, plan, profile, resourceId, user }: Door): Promise<Scratch['access']> {
  const { directory, socket, port } = report;
  if (socket === undefined || port === undefined) throw bug(`the scratch instance in ${directory} is not open`);
  const { defaults } = profile;
  const accessAs = (role: string): Scratch['access'] => ({
    ...{ resourceId, engine: plan.engine, dataDirectory: directory, socket, port, systemId: plan.systemId },
    login: { user: role, password: '', database: 'template1' },
  });
  const roles = [...new Set([...(user === undefined ? [] : [user]), defaults.user])];
  for (const [index, role] of roles.entries()) {
    try {
      const session = await openSession(accessAs(role));
      try {
        return accessAs(textOf(await session.queryOne('select rolname from pg_roles where oid = 10'), 'rolname'));
      } finally {
        await session.close();
      }
    } catch (error) {
      const isUnknown = error instanceof HoldfastError && error.code === 'login_refused';
      if (!isUnknown || index === roles.length - 1) throw error;
    }
  }
  throw bug(`no role was tried in ${join(directory)}`);
}
