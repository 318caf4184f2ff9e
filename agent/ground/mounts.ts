import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A mount that this process sees (proc(5), /proc/pid/mountinfo). */
interface Mount {
  /** Major and minor number of the file system. */
  readonly device: string;
  /** Which directory of that file system is mounted: not `/` for a bind mount. */
  readonly root: string;
  readonly point: string;
}

/** Where a path lies, whatever mount leads there. */
interface Placed {
  readonly device: string;
  /** Path within its file system. */
  readonly path: string;
}

/** True when a path lies below another one, by its name alone. */
export const isBelow = (inner: string, outer: string): boolean =>
  inner !== outer && inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);

/** Mount points that this process sees, bind mounts too. */
export const mountPoints = (): readonly string[] => mounts().map(({ point }) => point);

/** Where a canonical path lies in its file system: two names of one place, by bind mounts, are one here. */
export function placedAt(path: string): Placed | undefined {
  const over = mounts()
    .filter(({ point }) => point === path || isBelow(path, point))
    // The mount made last hides those before it.
    .reduce<Mount | undefined>(
      (deep, one) => (deep === undefined || one.point.length >= deep.point.length ? one : deep),
      undefined,
    );
  return over === undefined ? undefined : { device: over.device, path: join(over.root, path.slice(over.point.length)) };
}

/** Fields 3 to 5; blanks and backslashes are octal there. */
function mounts(): readonly Mount[] {
  const plain = (text: string): string =>
    text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , device, root, point] = line.split(' ');
      if (device === undefined || root === undefined || point === undefined) return [];
      return [{ device, root: plain(root), point: plain(point) }];
    });
}
