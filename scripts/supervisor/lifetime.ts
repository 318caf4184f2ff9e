import type { ProcessIdentity } from './process-identity.ts';
import { identityOf, isSameProcess, parentOf } from './process-identity.ts';

const pollMs = 500;
const init = 1;

/** Our ancestors up to the shell or npm that was asked by a person: two levels, npm → sh → us. */
const ancestors = (): ProcessIdentity[] => {
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  return [parent, grandparent].flatMap((pid) =>
    pid === undefined || pid <= init ? [] : [identityOf(pid) ?? []].flat(),
  );
};

/** Why we were asked to end. */
export type EndReason = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'parent gone';

/** `untilAskedToEnd` to hand down: aborts with the `EndReason` as its reason. */
export const endingSignal = (): AbortSignal => {
  const ending = new AbortController();
  void untilAskedToEnd().then((reason) => {
    ending.abort(reason);
  });
  return ending.signal;
};

/**
 * Resolves when somebody wants us to end: Ctrl-C, SIGTERM, a closed terminal, or a parent that disappeared (npm does not
 * forward signals: build.md "One supervisor").
 */
export const untilAskedToEnd = (): Promise<EndReason> =>
  new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) {
      process.on(signal, () => {
        resolve(signal);
      });
    }
    const family = ancestors();
    const timer = setInterval(() => {
      if (family.every(isSameProcess)) return;
      clearInterval(timer);
      resolve('parent gone');
    }, pollMs);
    timer.unref();
  });
