import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { FilesByPath, Span } from '#core/format/chain.ts';
import { filesOf, spansBelow } from '#core/format/chain.ts';
import type { FileOfSet, SetMeta } from '#core/format/meta.ts';
import { zeroFrame } from '#core/format/meta.ts';
import type { SetId } from '#core/id.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import type { OpenSet } from '#agent/sets/open-set.ts';
import { openSet } from '#agent/sets/open-set.ts';

/** A base that cannot be read, with what the sets above it take from it or from below. */
export interface LostBase {
  readonly base: SetId;
  readonly why: string;
  /** By path in the set. */
  readonly spans: ReadonlyMap<string, readonly Span[]>;
}

/** A chain that a restore can write. With `lost` its last set stands for all that cannot be read: it is zeros. */
export interface ReadableChain {
  readonly chain: SetChain;
  readonly lost?: LostBase;
}

/** The set itself or one below it is damaged or gone; everything else says nothing about it. */
const isAboutSet = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && (error.class === 'corrupt' || error.code === 'set_not_committed');

/**
 * Opens the chain that a plan restores. Without the metadata of the set itself, or its key, there is no restore, whatever damage was
 * accepted: nobody could tell its files. A base that cannot be read is refused as well, unless damage was accepted and no server is
 * to be started: then everything that comes from it or from below is zeros, and told. What lies below a lost base is not taken in
 * its place: it may be older than what was lost. Throws `set_head_unreadable`, `set_base_unreadable`, what the pool throws.
 */
export async function openReadableChain(pool: Pool, plan: RestorePlan): Promise<ReadableChain> {
  const newest = await openSet(pool, plan.setId).catch(async (error: unknown) => {
    if (!isAboutSet(error)) throw error;
    const others = await whatElse(pool, plan, plan.setId);
    throw fail('set_head_unreadable', { set: plan.setId, pool: pool.name, why: error.message, others }, error);
  });
  const chain: [OpenSet, ...OpenSet[]] = [newest];
  for (let last = newest; ;) {
    const { base } = last.meta.summary;
    const next = await last.openBase().catch((error: unknown) => {
      if (!isAboutSet(error)) throw error;
      return error;
    });
    if (next === undefined || base === undefined) return { chain };
    if (next instanceof HoldfastError) return withoutBase(pool, plan, { chain, base: base.setId, error: next });
    chain.push(next);
    last = next;
  }
}

interface Broken {
  readonly chain: SetChain;
  readonly base: SetId;
  readonly error: HoldfastError;
}

async function withoutBase(pool: Pool, plan: RestorePlan, { chain, base, error }: Broken): Promise<ReadableChain> {
  const why = error.params['why'] ?? error.message;
  const { damageConsent, endsAs } = plan.ways ?? {};
  if (damageConsent === undefined || endsAs !== 'files') {
    const others = await whatElse(pool, plan, base);
    throw fail('set_base_unreadable', { set: plan.setId, base, pool: pool.name, why, others }, error);
  }
  const spans = lostSpans(chain.map(({ meta }) => filesOf(meta)));
  return { chain: [...chain, standIn(chain[0], spans)], lost: { base, why, spans } };
}

/** In words: the newest set of the chain below a broken one that can be opened with all it builds on. */
async function whatElse(pool: Pool, { chain }: RestorePlan, broken: SetId): Promise<string> {
  const below = chain.slice(
    0,
    Math.max(
      0,
      chain.findIndex(({ setId }) => setId === broken),
    ),
  );
  for (const { setId } of below.reverse()) {
    try {
      await openChain(pool, setId);
      return `${setId}, on which it builds, can be opened`;
    } catch (error) {
      if (!isAboutSet(error)) throw error;
    }
  }
  return 'no set on which it builds can be opened';
}

function lostSpans(files: readonly FilesByPath[]): ReadonlyMap<string, readonly Span[]> {
  const lost = new Map<string, readonly Span[]>();
  for (const path of files[0]?.keys() ?? []) {
    const spans = spansBelow(files, path);
    if (spans.length > 0) lost.set(path, spans);
  }
  return lost;
}

/** A set of nothing but zeros, as long as they are needed. */
function standIn(like: OpenSet, spans: ReadonlyMap<string, readonly Span[]>): OpenSet {
  const members = [...spans].map(([path, lost]): FileOfSet => {
    const sizeBytes = lost.reduce((end, { from, length }) => Math.max(end, from + length), 0);
    const extents = [{ frame: zeroFrame, offset: 0, length: sizeBytes, hash: '' }];
    return { kind: 'file', path, mode: 0o600, sizeBytes, mtimeMs: 0, extents };
  });
  const meta: SetMeta = { summary: like.meta.summary, pieces: [], frames: [], members, damagedPages: [] };
  return { ...like, meta };
}
