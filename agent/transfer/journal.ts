import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunId } from '#core/id.ts';
import type { TransferReport } from '#core/transfer/report.ts';
import { transferReportShape } from '#core/settings/shape/transfer.ts';
import { syncDirectory } from '#agent/file-system.ts';
import { writeWholeFile } from '#agent/work/whole-file.ts';

/** What the agent remembers of a transfer: what is in place already, or that it is done. */
export interface TransferJournal {
  finished(): TransferReport | undefined;
  /** Durable when it settles. */
  finish(report: TransferReport): Promise<void>;
  /** Report of an attempt that was about to swap: it did when nothing lies under a temporary name any more. */
  swapped(): TransferReport | undefined;
  /** Durable when it settles: before the swap. */
  swap(report: TransferReport): Promise<void>;
  /** It did not; what it built is going to be dropped. Durable when it returns. */
  forget(): void;
}

/** Opens the journal of a run below `home`, the agent's own directory. */
export function openTransferJournal(home: string, runId: RunId): TransferJournal {
  const folder = join(home, 'runs', runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [done, inPlace] = [join(folder, 'transferred.json'), join(folder, 'swapped.json')];
  const read = (path: string): TransferReport | undefined =>
    existsSync(path) ? z.parse(transferReportShape, JSON.parse(readFileSync(path, 'utf8'))) : undefined;
  return {
    finished: () => read(done),
    finish: async (report) => {
      await writeWholeFile(done, JSON.stringify(report));
      rmSync(inPlace, { force: true });
      syncDirectory(folder);
    },
    swapped: () => read(inPlace),
    forget: () => {
      rmSync(inPlace, { force: true });
      syncDirectory(folder);
    },
    swap: (report) => writeWholeFile(inPlace, JSON.stringify(report)),
  };
}
