import type { InstanceAccess } from '#core/agent/order.ts';
import type { FailedStatement } from '#core/transfer/report.ts';
import { failedStatement, isHarmless, isPassing } from '#core/transfer/failed-statements.ts';
import { databaseArgument } from '#agent/logical/tool-connection.ts';
import type { PipedProcess } from '#agent/exec.ts';
import { startPiped } from '#agent/exec.ts';
import type { ClientTools } from './client-tools.ts';
import { clientEnvironment } from './client-tools.ts';
import { openDoor } from './watched-door.ts';

/** One end of a transfer. */
export interface DatabaseEnd {
  readonly access: InstanceAccess;
  readonly database: string;
}

interface Playing {
  /** The agent's own directory. */
  readonly home: string;
  readonly tools: Pick<ClientTools, 'restore'>;
  readonly to: DatabaseEnd;
  readonly signal: AbortSignal;
  /** The first statement that was refused, except those without which nothing is missing. */
  readonly onRefusal: (refused: FailedStatement) => void;
}

/** How the playing of an archive ended. */
interface Played {
  /** The tool came to the end of its archive, whatever was refused. */
  readonly isThrough: boolean;
  /** In the order they came. */
  readonly refused: readonly FailedStatement[];
  /** The server or the connection ended it; the same may succeed later. */
  readonly isPassing: boolean;
  readonly exitCode: number;
  /** Why it did not come to the end, in the words of the tool. */
  readonly reason: string;
}

/** What the restore tool says last when it went on behind statements that were refused. */
const wentOn = /errors ignored on restore/;

/**
 * Plays an archive of the dump tool into a database. The restore tool speaks to the server itself: no text of a source passes through a
 * shell of SQL, whose commands begin programs (CVE-2025-8714), and comments with names of a stranger in them are not sent
 * (CVE-2025-8715). `use` writes the archive into the tool and must not fail.
 */
export async function playArchive(
  { home, tools, to, signal, onRefusal }: Playing,
  use: (archive: PipedProcess['stdin']) => Promise<void>,
): Promise<Played> {
  const refused: FailedStatement[] = [];
  const door = await openDoor(home, to.access, (refusal) => {
    if (isHarmless(refusal.statement)) return;
    refused.push(failedStatement(refusal));
    const [first] = refused;
    if (refused.length === 1 && first !== undefined) onRefusal(first);
  });
  try {
    // A database whose sessions only read by default takes a restore like any other.
    const settings = '-c lc_messages=C -c default_transaction_read_only=off';
    const env = { ...clientEnvironment(door.access, to.database), PGOPTIONS: settings };
    const args = ['--no-password', databaseArgument(to.database)];
    const child = startPiped({ command: tools.restore, args, env, signal });
    child.stdout.resume();
    const [{ exitCode, stderr }] = await Promise.all([child.exited, use(child.stdin)]);
    return {
      isThrough: exitCode === 0 || (exitCode === 1 && wentOn.test(stderr)),
      refused,
      isPassing: refused.some(({ sqlState }) => isPassing(sqlState)),
      exitCode,
      reason: stderr.trim(),
    };
  } finally {
    await door.close();
  }
}
