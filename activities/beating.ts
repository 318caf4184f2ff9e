import { Context } from '@temporalio/activity';

const beatEveryMs = 1000;

/**
 * A short step that beats as long as it takes, although it has no progress to tell: when its worker dies the next attempt begins after
 * the heartbeat time-out, not after the longest time that the step may take.
 */
export const beating =
  <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    const context = Context.current();
    const timer = setInterval(() => {
      context.heartbeat();
    }, beatEveryMs);
    try {
      return await run(...args);
    } finally {
      clearInterval(timer);
    }
  };
