import { readdirSync } from 'node:fs';
import { codeOf, readIfThere } from '#agent/file-system.ts';

/**
 * Titles of the processes of a server, as `ps` shows them: what it does, told without a login. Empty where there is no
 * /proc, or when the server is gone.
 */
export function titlesOf(postmaster: number): readonly string[] {
  const children = readIfThere(`/proc/${String(postmaster)}/task/${String(postmaster)}/children`);
  const found = children === undefined ? childrenOf(postmaster) : children.trim().split(' ').map(Number);
  return found.map((pid) => (readIfThere(`/proc/${String(pid)}/cmdline`) ?? '').replaceAll('\0', ' ').trim());
}

/** Kernels without a list of children: every process names its parent. */
function childrenOf(parent: number): readonly number[] {
  return processIds().filter((pid) => {
    const stat = readIfThere(`/proc/${String(pid)}/stat`) ?? '';
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
  });
}

/** Every process of this machine; none where there is no /proc. */
export function processIds(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
