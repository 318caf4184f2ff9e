import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { exitCodes, ownExitCodes } from '#core/errors/error-spec.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { refusalOf } from '#core/settings/request-error.ts';
import { productVersion } from '#core/version.ts';
import type { Cli, CliPorts } from './cli.ts';
import { openCli } from './cli.ts';
import { addBackupCommand } from './commands/backup.ts';
import { addCareCommands } from './commands/jobs/care.ts';
import { addDatabaseRecoveryCommands } from './commands/logical/database-recovery.ts';
import { addChannelCommands } from './commands/channel.ts';
import { addEventsCommand } from './commands/events.ts';
import { addCanaryCommands } from './commands/drills/canary.ts';
import { addDrillCommands } from './commands/drills/drill.ts';
import { addHostCommands } from './commands/host.ts';
import { addJobCommands } from './commands/jobs/job.ts';
import { addLogicalCommands } from './commands/logical/logical.ts';
import { addPoolCommands } from './commands/pools/pool.ts';
import { addLogCommands } from './commands/log.ts';
import { addResourceCommands } from './commands/resource.ts';
import { addRestoreCommands } from './commands/restore.ts';
import { addRetentionCommands } from './commands/jobs/retention.ts';
import { addRunCommands } from './commands/runs/run.ts';
import { addScrubVerb } from './commands/jobs/scrub.ts';
import { addServerCommands } from './commands/server.ts';
import { addSetCommands } from './commands/sets/set.ts';
import { addStrategyCommands } from './commands/jobs/strategy.ts';
import { addTargetCommands } from './commands/target.ts';
import { addTimelineCommand } from './commands/timeline.ts';
import type { Terminal } from './terminal.ts';

const usageExit = exitCodes.input;

/** Behind the help of `holdfast`, and in docs/reference/cli.md. */
export const exitText = `
Exit codes: 0 done · 1 a bug of ours · 2 wrong input or usage · 3 not possible in this state, see the hint · 4 denied ·
5 not reachable or full, try again · 6 --timeout passed · 7 damage found · 8 cancelled · 130 Ctrl-C, a run goes on
Environment: HOLDFAST_API_URL, HOLDFAST_TOKEN or HOLDFAST_TOKEN_FILE or HOLDFAST_HOME (its admin.token)
Programs: holdfast api · worker · agent · wal-archive`;

/** The whole command line as a tree; also read by the generator of docs/reference/cli.md. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('holdfast')
    .description('backup, point-in-time recovery and proof for databases')
    .version(productVersion);
  program.addHelpText('after', exitText).showHelpAfterError('(add --help for usage)');
  addHostCommands(program, cli);
  addResourceCommands(program, cli);
  addPoolCommands(program, cli);
  addBackupCommand(program, cli);
  addJobCommands(program, cli);
  addStrategyCommands(program, cli);
  addRunCommands(program, cli);
  addSetCommands(program, cli);
  addLogicalCommands(program, cli);
  addTimelineCommand(program, cli);
  addRestoreCommands(program, cli);
  addDatabaseRecoveryCommands(program, cli);
  addRetentionCommands(program, cli);
  addCareCommands(program, cli);
  addScrubVerb(program, cli);
  addChannelCommands(program, cli);
  addTargetCommands(program, cli);
  addEventsCommand(program, cli);
  addServerCommands(program, cli);
  const { terminal } = cli;
  addLogCommands(program, cli);
  addDrillCommands(program, cli);
  addCanaryCommands(program, cli);
  const output = {
    writeOut: (text: string) => {
      terminal.out(text.replace(/\n$/, ''));
    },
    writeErr: (text: string) => {
      terminal.err(text);
    },
  };
  for (const command of everyCommand(program)) command.exitOverride().configureOutput(output);
  return program;
}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

/** Runs one command line and returns its exit code. Never throws for anything the operator can act on. */
export async function runCli(args: readonly string[], ports: CliPorts): Promise<number> {
  try {
    await buildProgram(openCli(ports)).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : usageExit;
    const error = registeredOf(cause);
    printError(ports.terminal, error, args.includes('--json'));
    return ownExitCodes[error.code] ?? exitCodes[error.class];
  }
}

function registeredOf(cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  if (cause instanceof z.ZodError) return refusalOf(cause, (path) => path.join('.'));
  return fail('bug', { what: cause instanceof Error ? cause.message : 'no reason given' }, cause);
}

/** Message, causes and remedy. */
function printError(terminal: Terminal, error: HoldfastError, isJson: boolean): void {
  const { code, message, hint, params } = error;
  if (isJson) {
    terminal.err(`${JSON.stringify({ error: { code, class: error.class, message, hint, params } })}\n`);
    return;
  }
  const causes: string[] = [];
  // The message names the wrong value already; the schema's own words are for programs.
  for (let e = error.cause; e instanceof Error && causes.length < 4; e = e.cause)
    if (!(e instanceof z.ZodError)) causes.push(`  because: ${e.message}`);
  terminal.err([`${message} (${code})`, ...causes, `  hint: ${hint}`, ''].join('\n'));
}
