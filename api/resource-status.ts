import { listHosts } from '#catalog/hosts.ts';
import { lastDrills, lastSuccesses, loginFigures, measuredRtos } from '#catalog/resources/resource-figures.ts';
import type { ResourceRow } from '#catalog/resources/resources.ts';
import { listResources } from '#catalog/resources/resources.ts';
import { listTargets } from '#catalog/resources/targets.ts';
import type { ResourceId } from '#core/id.ts';
import type { Instant } from '#core/instant.ts';
import { microsOfInstant } from '#core/instant.ts';
import type { ResourceStatus } from '#core/notice/resource-status.ts';
import { stateOf } from '#core/notice/resource-status.ts';
import type { Context } from './context.ts';

/** Every resource that is on a host or has something to recover, with what its protection is worth now. */
export async function resourceStatuses(context: StatusPorts): Promise<ResourceStatus[]> {
  const facts = await factsOf(context);
  const statuses: ResourceStatus[] = [];
  // Why one after the other: coverage is computed here, and requests want their turn in between.
  for (const resource of await listResources(context.catalog)) statuses.push(await statusOf(context, resource, facts));
  return statuses;
}

export type StatusPorts = Pick<Context, 'catalog' | 'clock' | 'protections'>;

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf({ catalog }: StatusPorts) {
  const successes = new Map<string, Record<string, Instant>>();
  for (const { resourceId, type, at } of await lastSuccesses(catalog))
    successes.set(resourceId, { ...successes.get(resourceId), [type]: at });
  return {
    successes,
    hosts: new Map((await listHosts(catalog)).map((host) => [String(host.id), host])),
    rtos: new Map((await measuredRtos(catalog)).map(({ resourceId, seconds }) => [String(resourceId), seconds])),
    drills: new Map((await lastDrills(catalog)).map(({ resourceId, at }) => [String(resourceId), at])),
    targets: new Map((await listTargets(catalog)).map((target) => [target.resourceId, target])),
    refused: new Set(
      (await loginFigures(catalog)).filter(({ isRefused }) => isRefused).map(({ resourceId }) => String(resourceId)),
    ),
  };
}

async function statusOf(
  { clock, protections }: StatusPorts,
  { id, name, hostId, systemId }: ResourceRow,
  facts: Facts,
): Promise<ResourceStatus> {
  const { coveredUntil, gaps } = await protections.of({ id, systemId });
  const host = hostId === null ? undefined : facts.hosts.get(hostId);
  const known = {
    ...{ id, resource: name, hostId, host: host?.name ?? null, isHostOnline: host?.isOnline === true },
    ...{ lastSuccess: facts.successes.get(id) ?? {}, latestRestorable: coveredUntil ?? null },
    ...{ rpoSeconds: ageOf(coveredUntil, clock.nowMs()), ...targetOf(facts, id) },
    ...{ rtoSeconds: facts.rtos.get(id) ?? null, lastDrill: facts.drills.get(id) ?? null },
    ...{ logGaps: gaps.length, needsLogin: facts.refused.has(id) },
  };
  return { ...known, state: stateOf(known, clock.nowMs()) };
}

const ageOf = (instant: Instant | undefined, nowMs: number): number | null =>
  instant === undefined ? null : Math.max(0, Math.round(nowMs / 1000 - microsOfInstant(instant) / 1_000_000));

function targetOf(
  { targets }: Facts,
  id: ResourceId,
): Pick<ResourceStatus, 'rpoTargetSeconds' | 'rtoTargetSeconds' | 'targetSetAt'> {
  const target = targets.get(id);
  if (target === undefined) return { rpoTargetSeconds: null, rtoTargetSeconds: null, targetSetAt: null };
  return { rpoTargetSeconds: target.rpoSeconds, rtoTargetSeconds: target.rtoSeconds, targetSetAt: target.setAt };
}
