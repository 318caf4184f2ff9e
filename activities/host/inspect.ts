import { Context } from '@temporalio/activity';
import type { Inspection } from '#core/agent/order.ts';
import { bug } from '#core/errors/fail.ts';
import type { HostWork, PoolInspection } from '#core/ports/host-work.ts';
import type { HostActivities, HostDeps, InspectionOrder } from './host-activities.ts';
import { untilAvailable } from './until-available.ts';

/** Answers a short question of the API: what runs here, is it ready, does the login work, is the pool usable. */
export const inspect =
  (deps: HostDeps): HostActivities['inspect'] =>
  async (asked) => {
    const { cancellationSignal, cancelled } = Context.current();
    return Promise.race([answer(deps, asked, cancellationSignal), cancelled]);
  };

async function answer({ channel, work }: HostDeps, asked: InspectionOrder, signal: AbortSignal): Promise<unknown> {
  if (asked.kind === 'discover') return work.discover();
  const inspection = await untilAvailable(() => channel.inspection(asked.inspectionId), signal);
  if (inspection.kind !== asked.kind)
    throw bug(`inspection ${asked.inspectionId} is a ${inspection.kind}, not a ${asked.kind}`);
  return answered(work, inspection);
}

async function answered(work: HostWork, inspection: Inspection): Promise<unknown> {
  if (isOfPool(inspection)) return answeredOfPool(work, inspection);
  switch (inspection.kind) {
    case 'preflight':
      return work.preflight(inspection);
    case 'login':
      return work.checkLogin(inspection);
    case 'place':
      return work.lookAtPlace(inspection);
    case 'drill-target':
      return work.askTarget(inspection);
    case 'mark-set':
      return work.markSet(inspection);
    case 'scratch':
      return work.lookAtScratch(inspection);
    case 'canary':
      await work.tryCanary(inspection);
      return {};
    case 'names':
      return work.lookForNames(inspection);
    case 'content-tree':
      return work.lookAtTree(inspection);
    case 'set-contents':
      return work.lookIntoSet(inspection);
  }
}

const isOfPool = (inspection: Inspection): inspection is PoolInspection => inspection.kind.startsWith('pool-');

async function answeredOfPool(work: HostWork, inspection: PoolInspection): Promise<unknown> {
  switch (inspection.kind) {
    case 'pool-create':
      await work.createPool(inspection);
      return work.testPool(inspection);
    case 'pool-test':
      return work.testPool(inspection);
    case 'pool-rotate':
      return work.rotateKey(inspection);
    case 'pool-kit':
      return work.kitFacts(inspection);
  }
}
