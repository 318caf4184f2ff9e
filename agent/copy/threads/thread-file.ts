/**
 * Where the bundle of a worker thread lies: always in `dist/`, because a `.ts` worker does not load on Node 20 (build.md).
 * Works from the bundle, which is in `dist/` itself, and from source in development and tests. `name` without its extension.
 */
export function threadFile(name: string): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? `../../../dist/${name}.cjs` : `./${name}.cjs`, import.meta.url);
}

/** Threads keep nothing but buffers: with the usual 48 MiB for young objects they would collect garbage that late. */
const youngMiB = 6;

/** A bundle needs none of the options of the program: a loader for TypeScript would double the time a thread takes to start. */
export const threadOptions = { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: youngMiB } };
