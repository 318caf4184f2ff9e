import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Tells who watches a process, by a file, whether it serves: a health check of a process that nobody can ask. */
export interface ReadyFile {
  serving(): void;
  notServing(): void;
}

/** Removes what an earlier process left. Without a path it does nothing. */
export function openReadyFile(path: string | undefined): ReadyFile {
  const notServing = (): void => {
    if (path !== undefined) rmSync(path, { force: true });
  };
  notServing();
  return {
    notServing,
    serving: () => {
      if (path === undefined) return;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    },
  };
}
