import type { LogicalMeta, LogicalStream } from './meta.ts';

/** An opened logical set. */
export interface LogicalReader {
  readonly meta: LogicalMeta;
  /**
   * Raw bytes of a stream in order, at most 4 MiB at a time, each checked against its hashes before it is handed out. A part is
   * valid until the next is asked for. Throws `object_damaged`, `object_missing`, `pool_unreachable`.
   */
  readonly read: (stream: LogicalStream) => AsyncIterable<Uint8Array>;
}
