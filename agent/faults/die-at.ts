import type { Fault, Faults } from '#core/faults/fault-points.ts';

/**
 * Lets this process die as by `kill -9` where a test wants it to: nothing is flushed, closed or told. Without a fault
 * there is nothing that could. Each thread opens its own.
 */
export function dieAt(fault: Fault | undefined): Faults | undefined {
  if (fault === undefined) return undefined;
  let times = 0;
  return {
    fault,
    reach: (point) => {
      if (point !== fault.point) return;
      times += 1;
      if (times === fault.time) process.kill(process.pid, 'SIGKILL');
    },
  };
}
