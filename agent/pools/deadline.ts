import type { HoldfastError } from '#core/errors/holdfast-error.ts';

/**
 * Settles as `work` does, or rejects with `late()` after `ms`; `late` also ends what it can of the work, so that it does
 * not go on beside its repetition. Only repeatable steps use this.
 */
export async function withDeadline<T>(ms: number, work: Promise<T>, late: () => HoldfastError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const alarm = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(late());
    }, ms);
  });
  try {
    return await Promise.race([work, alarm]);
  } finally {
    clearTimeout(timer);
  }
}
