import type { SetsById } from '../backup/chain.ts';
import { byId } from '../backup/chain.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import { isPinned, refusalOf, unmarked } from './mark.ts';
import type { KeptByRule } from './keep-by-rule.ts';
import { keepByRule } from './keep-by-rule.ts';
import { logVerdicts } from './keep-log.ts';
import type { Reason, SetVerdict, Verdicts } from './retention-plan.ts';
import type { Keeping, RetentionWorld, SystemWorld } from './world.ts';
import { keep, lockOn, systemWorld } from './world.ts';

/**
 * Decides for every set and every stretch of log whether it stays, with the reasons. Never deletes a set that a kept set
 * builds on, log that a kept set or a reachable point needs, the newest good set, what is pinned, held or quarantined, nor
 * anything of another resource. Sets that are damaged do not count, and while one is newer than the newest good full
 * nothing expires (design §5; peers.md §5 items 14, 16).
 */
export function decideRetention(world: RetentionWorld): Verdicts {
  const systems = [...new Set([...world.sets, ...world.batches].map(({ systemId }) => systemId))].sort();
  const verdicts = systems.map((systemId) => decideSystem(systemWorld(world, systemId)));
  return { sets: verdicts.flatMap(({ sets }) => sets), log: verdicts.flatMap(({ log }) => log) };
}

function decideSystem(world: SystemWorld): Verdicts {
  const keeping: Keeping = new Map();
  const rule = world.policy === undefined ? keepAll(world, keeping) : keepByRule(world, world.policy, keeping);
  keepMarked(world, keeping);
  keepLocked(world, keeping);
  const isStopped = stopExpiry(world, keeping);
  keepBases(world, keeping);
  const kept = world.sets.filter((set) => keeping.has(set.setId));
  const leading = kept.filter((set) => isStopped || set.resourceId !== world.resourceId || rule.leadsLog(set, kept));
  return {
    sets: world.sets.map((set) => verdictOn(set, world, keeping)),
    log: logVerdicts({ world, kept, leading }),
  };
}

function keepAll(world: SystemWorld, keeping: Keeping): KeptByRule {
  for (const { setId } of world.own) keep(keeping, setId, 'no-policy', 'no retention is set: everything is kept');
  return { leadsLog: () => true };
}

function keepMarked({ sets, resourceId, standings, unreadable, now }: SystemWorld, keeping: Keeping): void {
  for (const { setId, resourceId: owner } of sets) {
    const standing = standings.get(setId) ?? unmarked;
    const refusal = refusalOf(standing, now) ?? '';
    if (standing.isHeld) keep(keeping, setId, 'held', refusal);
    else if (isPinned(standing, now)) keep(keeping, setId, 'pinned', refusal);
    if (standing.isQuarantined)
      keep(keeping, setId, 'quarantined', `it is quarantined and waits for a decision: ${standing.quarantineReason}`);
    if (unreadable?.has(setId) === true) keep(keeping, setId, 'unreadable-mark', 'one of its marks cannot be read');
    if (owner !== resourceId) keep(keeping, setId, 'other-resource', `it belongs to ${owner}, not to this plan`);
  }
}

/** What the pool protects is not tried: a deletion would be refused, or would only hide it. */
function keepLocked(world: SystemWorld, keeping: Keeping): void {
  for (const { setId } of world.own) {
    const lock = lockOn(world, setId);
    if (lock !== undefined) keep(keeping, setId, 'locked', lock);
  }
}

/** While a set is damaged and no good full came after it, older good ones stop expiring. */
function stopExpiry({ own, good, policy }: SystemWorld, keeping: Keeping): boolean {
  if (policy === undefined) return false;
  const isGood = new Set(good.map(({ setId }) => setId));
  const [bad] = own.filter(({ setId }) => !isGood.has(setId)).slice(-1);
  const [newest] = good.filter(({ type }) => type === 'full').slice(-1);
  if (bad === undefined || (newest !== undefined && newest.endedAt > bad.endedAt)) return false;
  const detail = `${bad.setId} cannot be restored as it is, and no good full is newer`;
  for (const set of own) keep(keeping, set.setId, 'damage-stops-expiry', detail);
  return true;
}

/** A set stays while anything that stays builds on it, in a chain with a hole too: what is gone may be brought back. */
function keepBases({ sets }: SystemWorld, keeping: Keeping): void {
  const known = byId(sets);
  for (const setId of [...keeping.keys()])
    for (const base of basesOf(known.get(setId), known)) keep(keeping, base.setId, 'base-of', `${setId} builds on it`);
}

function basesOf(set: SetSummary | undefined, known: SetsById): readonly SetSummary[] {
  const found: SetSummary[] = [];
  for (let link = set?.base; link !== undefined;) {
    const next = known.get(link.setId);
    if (next === undefined || found.includes(next)) break;
    found.push(next);
    link = next.base;
  }
  return found;
}

const expired: Reason = { code: 'expired', detail: 'the policy keeps newer sets and nothing that stays builds on it' };
const damagedExpired: Reason = { code: 'damaged-expired', detail: 'it cannot be restored and good sets are newer' };

function verdictOn(set: SetSummary, world: SystemWorld, keeping: Keeping): SetVerdict {
  const { setId, resourceId, systemId, type, endedAt, storedBytes } = set;
  const head = { setId, resourceId, systemId, type, endedAt, storedBytes };
  const reasons = keeping.get(setId);
  if (reasons !== undefined) return { ...head, isDeleted: false, reasons };
  const isGood = world.good.some((good) => good.setId === setId);
  return { ...head, isDeleted: true, reasons: [isGood ? expired : damagedExpired] };
}
