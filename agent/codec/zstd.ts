import binding from 'zstd-napi/binding.js';

/**
 * `fast` (K-079); 0 stores bytes as they are. Matches from 5 bytes on, found through one table of 64 KiB that stays in the
 * processor's own cache: against level 3 as zstd has it a fifth less time, rows and log 2 to 8 % smaller, prose 8 % larger.
 */
export const fastLevel = 1;

/** A level and what differs from its usual search; 0 leaves a parameter as the level has it. */
export interface Packing {
  readonly level: number;
  readonly hashLog: number;
  readonly chainLog: number;
  readonly minMatch: number;
}

const usual = (level: number): Packing => ({ level, hashLog: 0, chainLog: 0, minMatch: 0 });
const fast: Packing = { ...usual(fastLevel), hashLog: 14, minMatch: 5 };
const packingOf = (level: number): Packing => (level === fastLevel ? fast : usual(level));

/** How earlier versions packed what is `fast`, the younger first: bytes that must come out the same may need one of these. */
export const earlierPackings: readonly Packing[] = [{ ...usual(3), hashLog: 15, chainLog: 14 }, usual(3)];

let compressor: { readonly context: binding.CCtx; packing?: Packing } | undefined;
let forced: Packing | undefined;
let decompressor: binding.DCtx | undefined;

const isSame = (one: Packing, other: Packing): boolean =>
  one.level === other.level && one.hashLog === other.hashLog && one.minMatch === other.minMatch;

const lastLevel = 22;

/** All that any version may have packed with, what a level means now first and the slow ones last; level 0 packs nothing. */
export function packingsFrom(level: number): readonly Packing[] {
  const usualOnes = Array.from({ length: lastLevel + 1 }, (_, each) => usual(each));
  const all = [packingOf(level), fast, ...earlierPackings, ...usualOnes];
  return all.filter((one, i) => all.findIndex((other) => isSame(one, other)) === i);
}

/** One native context per thread: making one costs more than compressing a page. */
function contextFor(level: number): binding.CCtx {
  compressor ??= { context: new binding.CCtx() };
  const { context, packing: before } = compressor;
  const packing = forced ?? packingOf(level);
  if (before === undefined || !isSame(before, packing)) {
    context.setParameter(binding.CParameter.compressionLevel, packing.level);
    context.setParameter(binding.CParameter.hashLog, packing.hashLog);
    context.setParameter(binding.CParameter.chainLog, packing.chainLog);
    context.setParameter(binding.CParameter.minMatch, packing.minMatch);
    compressor.packing = packing;
  }
  return context;
}

/** What `work` compresses comes out as a packing has it, whatever level it asks for. `work` awaits nothing. */
export function packedAs<T>(packing: Packing, work: () => T): T {
  forced = packing;
  try {
    return work();
  } finally {
    forced = undefined;
  }
}

/** Largest size `compressInto` can need for `rawBytes` of input. */
export const compressBound = (rawBytes: number): number => binding.compressBound(rawBytes);

/** Compresses at level 1–22 into `target` (at least `compressBound` bytes) and tells the length. The frame names its content size. */
export const compressInto = (target: Uint8Array, raw: Uint8Array, level: number): number =>
  contextFor(level).compress2(target, raw);

/** Decompresses into `target`, which has exactly the raw size: a frame that claims more throws instead of taking memory. */
export function decompressInto(target: Uint8Array, stored: Uint8Array): number {
  decompressor ??= new binding.DCtx();
  return decompressor.decompress(target, stored);
}
