import { bug, fail } from '#core/errors/fail.ts';
import type { InstanceAccess } from '#core/agent/order.ts';
import { quoted, quotedTable } from '#core/transfer/names.ts';
import { instanceName } from '#agent/database/session.ts';
import { startPiped } from '#agent/exec.ts';
import { saysLost, toolWords } from '#agent/transfer/play/tool-words.ts';
import type { DumpPart } from './backup-relations.ts';
import { chunksOf } from './chunks-of.ts';
import type { FoundTool } from './find-tool.ts';
import type { StreamWriter, WrittenStream } from './stream-writer.ts';
import { connectionOf } from './tool-connection.ts';

type Section = 'pre-data' | 'post-data' | 'large-objects';

export interface SectionRequest {
  readonly tool: FoundTool;
  readonly instance: InstanceAccess;
  readonly database: string;
  /** Name of the exported snapshot. */
  readonly snapshot: string;
  readonly lockWaitSeconds: number;
  readonly section: Section;
  readonly part: DumpPart;
  readonly signal: AbortSignal;
  /** Waits for the rate limit; throws when the run is cancelled. */
  readonly pace: (bytes: number) => Promise<void>;
  readonly log: (line: string) => void;
}

/** Lines of a tool that are told; more say nothing new. */
const mostLines = 20;

/** Runs the dump tool for one section and writes what it says as a stream: no file is made. Throws `dump_tool_failed`. */
export async function writeSection(request: SectionRequest, writer: StreamWriter): Promise<WrittenStream> {
  const { tool, database, section, signal } = request;
  const child = startPiped({ command: tool.path, ...commandOf(request), signal });
  child.stdin.end();
  let failure: Error | undefined;
  try {
    for await (const chunk of chunksOf(child.stdout)) {
      await request.pace(chunk.length);
      await writer.write(chunk);
    }
  } catch (error) {
    failure = error instanceof Error ? error : bug('reading the dump tool failed', error);
    child.stdout.destroy();
  }
  const { exitCode, stderr } = await child.exited;
  signal.throwIfAborted();
  if (failure !== undefined) throw failure;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  // Why: a server that goes away ends the tool first; that is no fault of what is dumped, and is tried again.
  if (exitCode !== 0 && saysLost(stderr))
    throw fail('session_lost', { instance: instanceName(request.instance), reason: reasonOf(stderr, exitCode) });
  if (exitCode !== 0)
    throw fail('dump_tool_failed', { tool: tool.name, section, database, reason: reasonOf(stderr, exitCode) });
  lines.slice(0, mostLines).forEach(request.log);
  return writer.end(database, { kind: section });
}

const reasonOf = (stderr: string, exitCode: number): string => toolWords(stderr) || `exit code ${String(exitCode)}`;

function commandOf(request: SectionRequest) {
  const { instance, database, snapshot, section, part, lockWaitSeconds } = request;
  const { args, env } = connectionOf(instance, database);
  const whole = ['--format=custom', '--compress=0', `--snapshot=${snapshot}`];
  const wait = `--lock-wait-timeout=${String(lockWaitSeconds * 1000)}`;
  return { args: [...args, ...whole, wait, ...sectionArgs(section), ...partArgs(part)], env };
}

/** Large objects alone: rows of tables are read by us, in parallel. */
const sectionArgs = (section: Section): readonly string[] =>
  section === 'large-objects' ? ['--section=data', '-b', '--exclude-table-data=*.*'] : [`--section=${section}`];

const partArgs = ({ schemas, tables, excludeSchemas, excludeTables }: DumpPart): readonly string[] => [
  ...schemas.map((schema) => `--schema=${quoted(schema)}`),
  ...tables.map((table) => `--table=${quotedTable(table)}`),
  ...excludeSchemas.map((schema) => `--exclude-schema=${quoted(schema)}`),
  ...excludeTables.map((table) => `--exclude-table=${quotedTable(table)}`),
];
