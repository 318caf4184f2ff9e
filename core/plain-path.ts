/**
 * A path without what means nothing in it: double and trailing slashes, and steps to the same directory (`/data/./a/` is `/data/a`). It leads
 * to the same place as before, through links too.
 */
export function plainPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}`;
}

/**
 * By what a place is known to others that may want it: a plain path, with steps upwards taken as they are written. A step upwards behind a
 * link may lead elsewhere, so this is never a place to write to; two names that links make of one place are told apart by the agent, which
 * lets one run at a time into a directory (agent/datadir/writer-marker.ts).
 */
export function placeKey(path: string): string {
  const kept: string[] = [];
  for (const part of plainPath(path).split('/').slice(1)) {
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return `/${kept.join('/')}`;
}

/** The directory that a path lies in; '' at the top. */
export const directoryAbove = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
