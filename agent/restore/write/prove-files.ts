import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { markerName } from '#agent/datadir/writer-marker.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';
import { exec } from '#agent/exec.ts';
import { cutText } from '#core/text.ts';

/** A proof reads everything once: as long as the slowest disk takes for the largest database. */
const longestMs = 7 * 24 * 3_600_000;
const wordsAtMost = 1500;

/**
 * The server's own program that checks files against a manifest, beside the server programs. Throws `verifier_missing`: before
 * anything is touched.
 */
export async function findVerifier(
  profile: EngineProfile,
  major: number,
  preferred: readonly string[],
): Promise<string> {
  const program = profile.tools.verifyFiles;
  const looked = [...new Set([...preferred, ...profile.tools.programDirectories(major)])];
  for (const path of looked.map((directory) => join(directory, program)).filter(isProgram)) {
    const { stdout } = await exec({ command: path, args: ['--version'], timeoutMs: 10_000 });
    if (profile.majorOfProgram(stdout) === major) return path;
  }
  throw fail('verifier_missing', { program, major: String(major), looked: looked.join(', ') });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next candidate decides.
    return false;
  }
}

/**
 * Lets the server's own program read every file of a target that no server was started on yet, and the log from the begin of the
 * backup to its end. Throws `files_unproven`, `cancelled`.
 */
export async function proveFiles(
  verifier: string,
  target: EmptyTarget,
  { plan, signal }: { readonly plan: RestorePlan; readonly signal: AbortSignal },
): Promise<void> {
  const marks = ['', ...Object.keys(target.tablespaces).map((oid) => `${target.files.tablespaces}/${oid}/`)];
  const { exitCode, stdout, stderr } = await exec({
    command: verifier,
    args: [
      '--quiet',
      ...marks.map((folder) => `--ignore=${folder}${markerName}`),
      // A closed instance may have nothing to replay, and then no record at which the range could begin.
      ...(plan.offline === undefined ? [] : ['--no-parse-wal']),
      target.directory,
    ],
    timeoutMs: longestMs,
    signal,
    ...(process.getuid?.() === 0 ? { user: target.owner } : {}),
  });
  if (exitCode === 0) return;
  const lines = cutText(`${stderr}${stdout}`.trim().replaceAll('\n', ' | '), wordsAtMost);
  throw fail('files_unproven', { program: verifier, directory: target.directory, lines });
}
