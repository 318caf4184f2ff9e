import { BlockReferences } from '#core/changed/block-references.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import type { SealedLog } from '#agent/sets/seal-log.ts';
import { sealLogSegment } from '#agent/sets/seal-log.ts';
import { SegmentBuffer } from '#agent/wal/archive/archive-folder.ts';
import type { CheckedSegment, HeldSegment, LogPipeline, PipelineRequest } from './log-pipeline.ts';

/** Everything here and at once, one segment at a time: for few segments, and for those so large that memory counts more than time. */
export function openInlineLog({ pool, level }: Pick<PipelineRequest, 'pool' | 'level'>): LogPipeline {
  const reader = new LogReader();
  const buffer = new SegmentBuffer();
  return {
    ahead: 0,
    read: (file): Promise<HeldSegment | undefined> => {
      const bytes = buffer.read(file);
      return Promise.resolve(bytes === undefined ? undefined : { bytes, fileBytes: bytes.length, slot: 0 });
    },
    hash: ({ bytes }) => Promise.resolve(sha256Hex(bytes)),
    prime: (bytes) => {
      reader.read(bytes);
      return Promise.resolve();
    },
    check: ({ bytes }): Promise<CheckedSegment> => {
      const references = new BlockReferences();
      return Promise.resolve({ reading: reader.read(bytes, references), references });
    },
    seal: (log, { bytes }): Promise<SealedLog> => Promise.resolve(sealLogSegment(pool, log, bytes, level)),
    release: () => undefined,
    close: () => Promise.resolve(),
  };
}
