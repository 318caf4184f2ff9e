import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { EngineProfile } from '#core/engine/profile.ts';
import { fail } from '#core/errors/fail.ts';
import { exec } from '#agent/exec.ts';

/** A client program of the host. */
export interface FoundTool {
  readonly path: string;
  readonly name: string;
  readonly major: number;
  /** What it said of itself. */
  readonly version: string;
}

interface Wanted {
  readonly profile: EngineProfile;
  /** File name, e.g. `pg_dump`. */
  readonly tool: string;
  /** It must be of this major or later. */
  readonly major: number;
  /** Directories to look in first: of settings, and of instances on this host. */
  readonly preferred: readonly string[];
}

/** Later majors than the newest that is supported may be installed. */
const laterMajors = 3;

/**
 * The client program of the lowest major that is not older than the server (a dump tool refuses later servers; one of the same
 * major writes what that server understands). Throws `dump_tool_missing`, `dump_tool_too_old`.
 */
export async function findTool({ profile, tool, major, preferred }: Wanted): Promise<FoundTool> {
  const last = profile.majors.to + laterMajors;
  const majors = Array.from({ length: Math.max(1, last - major + 1) }, (_, i) => major + i);
  const usual = majors.flatMap((each) => profile.tools.programDirectories(each));
  const looked = [...new Set([...preferred, ...usual])];
  const found: FoundTool[] = [];
  for (const directory of looked) {
    const one = await toolIn(profile, directory, tool);
    if (one !== undefined) found.push(one);
  }
  const fitting = found.filter((each) => each.major >= major).sort((a, b) => a.major - b.major);
  if (fitting[0] !== undefined) return fitting[0];
  const words = { tool, major: String(major), looked: looked.join(', ') };
  const [newest] = found.sort((a, b) => b.major - a.major);
  if (newest === undefined) throw fail('dump_tool_missing', words);
  throw fail('dump_tool_too_old', { ...words, newest: String(newest.major) });
}

async function toolIn(profile: EngineProfile, directory: string, name: string): Promise<FoundTool | undefined> {
  const path = join(directory, name);
  if (!isProgram(path)) return undefined;
  const version = (await exec({ command: path, args: ['--version'], timeoutMs: 10_000 })).stdout.trim();
  const major = profile.majorOfProgram(version);
  return major === undefined ? undefined : { path, name, major, version };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next candidate decides, and the error at the end names all of them.
    return false;
  }
}
