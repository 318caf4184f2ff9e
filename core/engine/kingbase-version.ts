import type { Refusal, ServerIdentity } from './server-identity.ts';
import { cutText } from '../text.ts';

/** Releases that behave alike (K-014 names twelve spellings; references: kingbase A.1). */
export type KingbaseRelease = 'V7' | 'V8R2' | 'V8R3' | 'V8R6' | 'V8R7' | 'V9';

/** What a text says about a KingbaseES server or program. */
export interface KingbaseVersion {
  /** Undefined: a release that is not known here. */
  readonly release: KingbaseRelease | undefined;
  /** The whole build, e.g. `V008R006C008B0020PS065`; a marketing name when there is nothing more. */
  readonly build: string;
}

/** K-117: the vendor's guide excludes this one build. */
const blockedBuild = 'V008R006B01171628';

const releases: readonly (readonly [RegExp, KingbaseRelease])[] = [
  [/^V0*7|^7/, 'V7'],
  [/^V0*8R0*2(?!\d)|^8\.2/, 'V8R2'],
  [/^V0*8R0*3(?!\d)|^8\.3/, 'V8R3'],
  [/^V0*8R0*6(?!\d)|^8\.6/, 'V8R6'],
  [/^V0*8R0*7(?!\d)|^8\.7/, 'V8R7'],
  [/^V0*9|^9/, 'V9'],
];

/**
 * Finds the build in what `version()` or a program says, in a path of its installation, or in a name of K-014 (`V8R6`, `8.6`).
 * Undefined when the text names no KingbaseES version at all.
 */
export function parseKingbaseVersion(text: string): KingbaseVersion | undefined {
  const build =
    /\bV\d{1,3}R\d{1,3}\w*/.exec(text)?.[0] ?? /(?<![\w.])(V\d{1,3}(?![\d.])|[789]\.\d)(?![\d])/.exec(text)?.[0];
  if (build === undefined) return undefined;
  return { build, release: releases.find(([pattern]) => pattern.test(build))?.[1] };
}

/** Releases that are recognised and not touched. */
const refused: Partial<Record<KingbaseRelease, Refusal>> = {
  V7: 'engine_storage_foreign',
  V8R2: 'engine_release_unproven',
  V8R3: 'engine_release_unproven',
};

const limits: Partial<Record<KingbaseRelease, string>> = {
  V8R7: 'the engine that V8R7 is built on is not documented: it is treated by the layout of its data directory; prove a restore before relying on it',
};

/** Judges `version()` of a server whose data directory looks like KingbaseES (K-013, K-014, K-117). */
export function identifyKingbase(version: string): ServerIdentity {
  const found = /Kingbase/i.test(version) ? parseKingbaseVersion(version) : undefined;
  const title = found === undefined ? cutText(version, 60) : `KingbaseES ${found.build}`;
  if (found?.release === undefined) return { title, refusal: 'engine_unknown' };
  if (found.build.startsWith(blockedBuild)) return { title, refusal: 'engine_build_blocked' };
  const refusal = refused[found.release];
  if (refusal !== undefined) return { title, refusal };
  const limit = limits[found.release];
  return limit === undefined ? { title } : { title, limit };
}
