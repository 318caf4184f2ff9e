import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TargetMark } from '#core/drill/drill-target.ts';
import { fail } from '#core/errors/fail.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { codeOf, syncDirectory } from '#agent/file-system.ts';
import type { FileOwner } from './writer-paths.ts';

/** Says that drills may replace the data directory that it lies in. Like every name of ours it is never restored from a set. */
const markName = '.holdfast-drill-target';

const markShape = z.object({ resourceId: idShape('res'), token: z.string(), directory: z.string(), inode: z.string() });

const inodeOf = (directory: string): string => statSync(directory, { bigint: true }).ino.toString();

/** Writes the mark of a directory: its place and inode stand in it, so that a copied directory carries no mark of its own. */
export function writeDrillMark(directory: string, { resourceId, token }: TargetMark, owner: FileOwner): void {
  const path = join(directory, markName);
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  try {
    writeSync(file, JSON.stringify({ resourceId, token, directory, inode: inodeOf(directory) }));
    if (process.getuid?.() === 0) fchownSync(file, owner.uid, owner.gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
  syncDirectory(directory);
}

export function removeDrillMark(directory: string): void {
  try {
    unlinkSync(join(directory, markName));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * Refuses a directory that does not carry this very mark. `formerly`: where it lay when it was marked, for one that was moved aside.
 * Throws `drill_target_unmarked`.
 */
export function demandDrillMark(directory: string, wanted: TargetMark, formerly = directory): void {
  const refuse = (why: string): never => {
    throw fail('drill_target_unmarked', { target: directory, why });
  };
  const text = textOf(join(directory, markName)) ?? refuse('its data directory carries no mark');
  const parsed = markShape.safeParse(jsonOf(text));
  if (!parsed.success) return refuse('its mark cannot be read');
  const mark = parsed.data;
  if (mark.resourceId !== wanted.resourceId || mark.token !== wanted.token)
    return refuse('its mark is not the one that was consented to');
  if (mark.directory !== formerly || mark.inode !== inodeOf(directory))
    return refuse(`its mark was made for ${mark.directory} and was copied here`);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A text that is no JSON is no mark.
    return undefined;
  }
}
