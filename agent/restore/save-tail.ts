import type { Warning } from '#core/run/progress.ts';
import type { RestoreWork } from './restore.ts';

export function saveTail(_work: RestoreWork, _logDirectory: string): Promise<readonly Warning[]> {
  return Promise.resolve([]);
}
