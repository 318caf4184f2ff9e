import type { AsyncCompletionClient } from '@temporalio/client';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import type { ActivityInterceptors } from '@temporalio/worker';
import type { Context } from '@temporalio/activity';
import { fail } from '#core/errors/fail.ts';
import { applicationFailureOf } from '#wire/failure.ts';
import type { TokenJournal } from './token-journal.ts';

/** Journals the task token of every activity while it runs. */
export const journalTokens =
  (journal: TokenJournal) =>
  (context: Context): ActivityInterceptors => ({
    inbound: {
      execute: async (input, next) => {
        const token = context.info.base64TaskToken;
        await journal.hold(token);
        try {
          return await next(input);
        } finally {
          await journal.release(token);
        }
      },
    },
  });

/** Fails what the dead process before this one held, so that Temporal starts the next attempts within seconds. */
export async function failLeftTokens(journal: TokenJournal, completion: AsyncCompletionClient): Promise<number> {
  const left = await journal.left();
  for (const token of left) {
    try {
      await completion.fail(Buffer.from(token, 'base64'), applicationFailureOf(fail('agent_restarted', {})));
    } catch (error) {
      // Why: an attempt that Temporal has given up on needs no word; anything else (Temporal away) is tried again.
      if (!(error instanceof ActivityNotFoundError) && !(error instanceof ActivityCancelledError)) throw error;
    }
    await journal.release(token);
  }
  return left.length;
}
