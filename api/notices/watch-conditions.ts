import type { Judged } from '#catalog/notices/conditions.ts';
import { heldSubjects, settle } from '#catalog/notices/conditions.ts';
import { forgetEvents } from '#catalog/notices/events.ts';
import type { HostRow } from '#catalog/hosts.ts';
import { listHosts } from '#catalog/hosts.ts';
import { loginFigures } from '#catalog/resources/resource-figures.ts';
import { listResources } from '#catalog/resources/resources.ts';
import { leftSlots } from '#catalog/resources/stream-slots.ts';
import { parseId } from '#core/id.ts';
import { microsOfInstant } from '#core/instant.ts';
import { isRpoBreached, isRtoBreached } from '#core/notice/resource-status.ts';
import type { Context } from '../context.ts';
import { resourceStatuses } from '../resource-status.ts';
import { openLoginChecks } from './check-logins.ts';
import { openMissedRuns } from './missed-runs.ts';

const minuteMs = 60_000;
/** How long events are kept. */
const eventDays = 90;
/** An agent that reports every ten seconds and was silent for so long is told of: a restart is not. */
const silentMs = 2 * minuteMs;

/**
 * Looks each minute at what holds now and tells what began or ended; the first time after a minute, so that agents have found an
 * API that was restarted. Returns a function that ends it.
 */
export function watchConditions(context: Context): () => void {
  const checkLogins = openLoginChecks(context);
  const lookForMissed = openMissedRuns(context);
  const stopLooking = eachMinute(context, async () => {
    await lookOnce(context);
    await lookForMissed();
  });
  // Why apart: agents that do not answer must not keep the other alarms waiting.
  const stopChecking = eachMinute(context, async () => {
    if (await checkLogins()) await judgeLogins(context);
  });
  return () => {
    stopLooking();
    stopChecking();
  };
}

/** Never two at once; what fails is done again. Returns a function that ends it. */
function eachMinute({ log }: Pick<Context, 'log'>, look: () => Promise<unknown>): () => void {
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((cause: unknown) => {
        log.warn({ cause: cause instanceof Error ? cause.message : 'no reason given' }, 'conditions wait');
      })
      .finally(() => {
        isLooking = false;
      });
  }, minuteMs);
  return () => {
    clearInterval(timer);
  };
}

export type WatchPorts = Pick<Context, 'catalog' | 'clock' | 'protections'>;

/** Judges everything once. Returns how many events it told. */
export async function lookOnce(ports: WatchPorts): Promise<number> {
  const told = [await judgeHosts(ports), await judgeLogins(ports), await judgeGaps(ports), await judgeTargets(ports)];
  told.push(await judgeSlots(ports));
  await forgetEvents(ports.catalog, eventDays);
  return told.reduce((sum, count) => sum + count, 0);
}

async function judgeHosts({ catalog, clock }: WatchPorts): Promise<number> {
  const judged = (await listHosts(catalog)).map((host) => ({
    ...{ subject: host.id, about: { hostId: host.id }, holds: isAway(host, clock.nowMs()) },
    data: { host: host.name, lastReport: host.reportedAt },
  }));
  return settle(catalog, { begins: 'host.offline', ends: 'host.online' }, judged);
}

/** Neither away nor back while it is silent for a short time only. */
function isAway({ isOnline, reportedAt }: HostRow, nowMs: number): boolean | undefined {
  if (isOnline) return false;
  if (reportedAt === null) return undefined;
  return nowMs - microsOfInstant(reportedAt) / 1000 > silentMs ? true : undefined;
}

async function judgeLogins({ catalog }: WatchPorts): Promise<number> {
  const judged = (await loginFigures(catalog)).map(({ resourceId, resource, hostId, isRefused }) => ({
    ...{ subject: resourceId, about: { resourceId, hostId }, holds: isRefused },
    data: { resource, ...(isRefused ? { message: `log in again: holdfast resource login ${resource}` } : {}) },
  }));
  return settle(catalog, { begins: 'resource.login_required', ends: 'resource.logged_in' }, judged);
}

const gapOpened = 'log.gap_detected';

/** One subject per gap: a new one beside an old one is told of. A gap that is there no more has been closed or deleted. */
async function judgeGaps({ catalog, protections }: WatchPorts): Promise<number> {
  const judged: Judged[] = [];
  const held = await heldSubjects(catalog, gapOpened);
  for (const { id: resourceId, name: resource, systemId } of await listResources(catalog)) {
    const { gaps } = await protections.of({ id: resourceId, systemId });
    const open = gaps.map(({ poolId, pool, gap: { from, to } }) => ({
      ...{ subject: `${resourceId}:${poolId}:${from}`, about: { resourceId, poolId }, holds: true },
      data: { resource, pool, from, to, message: `log from ${from} to ${to} is missing in ${pool}` },
    }));
    const now = new Set(open.map(({ subject }) => subject));
    const closed = [...held]
      .filter((subject) => subject.startsWith(`${resourceId}:`) && !now.has(subject))
      .map((subject) => ({ subject, about: { resourceId }, holds: false, data: { resource } }));
    judged.push(...open, ...closed);
  }
  return settle(catalog, { begins: gapOpened, ends: 'log.gap_closed' }, judged);
}

const slotLeft = 'slot.left';

/** A slot that an ended stream left; one that a new stream took up, or that was dropped, keeps nothing any more. */
async function judgeSlots({ catalog }: Pick<WatchPorts, 'catalog'>): Promise<number> {
  const left = (await leftSlots(catalog)).map(({ resourceId, resource, runId, slot, keptBytes, from }) => ({
    ...{ subject: resourceId, about: { resourceId, runId }, holds: true },
    data: {
      ...{ resource, slot, keptBytes, from },
      message: `the slot ${slot} keeps log from ${from} on: start the stream again, or drop it with pg_drop_replication_slot('${slot}')`,
    },
  }));
  const names = new Map((await listResources(catalog)).map(({ id, name }) => [id, name]));
  const now = new Set<string>(left.map(({ subject }) => subject));
  const gone = [...(await heldSubjects(catalog, slotLeft))].flatMap((subject) => {
    const resourceId = parseId('res', subject);
    const resource = names.get(resourceId);
    if (now.has(subject) || resource === undefined) return [];
    return [{ subject, about: { resourceId }, holds: false, data: { resource } }];
  });
  return settle(catalog, { begins: slotLeft, ends: 'slot.gone' }, [...left, ...gone]);
}

async function judgeTargets(ports: WatchPorts): Promise<number> {
  const { catalog, clock } = ports;
  const aimed = (await resourceStatuses(ports)).filter(({ targetSetAt }) => targetSetAt !== null);
  const rpo = aimed
    .filter(({ rpoTargetSeconds }) => rpoTargetSeconds !== null)
    .map((one) => ({
      ...{ subject: one.id, about: { resourceId: one.id }, holds: isRpoBreached(one, clock.nowMs()) },
      data: { resource: one.resource, rpoSeconds: one.rpoSeconds, targetSeconds: one.rpoTargetSeconds },
    }));
  const rto = aimed
    .filter(({ rtoTargetSeconds }) => rtoTargetSeconds !== null)
    .map((one) => ({
      ...{ subject: one.id, about: { resourceId: one.id }, holds: isRtoBreached(one) },
      data: { resource: one.resource, rtoSeconds: one.rtoSeconds, targetSeconds: one.rtoTargetSeconds },
    }));
  const told = await settle(catalog, { begins: 'rpo.breached', ends: 'rpo.recovered' }, rpo);
  return told + (await settle(catalog, { begins: 'rto.breached', ends: 'rto.recovered' }, rto));
}
