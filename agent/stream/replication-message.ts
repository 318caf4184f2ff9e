/** What a server sends while it streams (PG manual "Streaming Replication Protocol", START_REPLICATION). Positions are bytes of the log. */
export type FromServer =
  | { readonly kind: 'log'; readonly from: number; readonly bytes: Uint8Array }
  | { readonly kind: 'alive'; readonly wantsReply: boolean };

const logHeaderBytes = 25;
const aliveBytes = 18;

/** One CopyData message; undefined for a kind that is not known. The bytes are a view, valid until the next message. */
export function parseFromServer(chunk: Uint8Array): FromServer | undefined {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const kind = chunk[0];
  // 'w': XLogData
  if (kind === 0x77 && chunk.length >= logHeaderBytes)
    return { kind: 'log', from: bigEndianAt(view, 1), bytes: chunk.subarray(logHeaderBytes) };
  // 'k': keepalive
  if (kind === 0x6b && chunk.length >= aliveBytes) return { kind: 'alive', wantsReply: chunk[17] === 1 };
  return undefined;
}

/** Microseconds between 1970 and 2000, where the server counts from. */
const epochMicros = 946_684_800_000_000;

export interface StandbyStatus {
  /** Byte positions behind the last byte that arrived, and behind the last one that is durable in the pool. */
  readonly received: number;
  readonly durable: number;
  readonly atMs: number;
  readonly wantsReply: boolean;
}

/** A standby status update as CopyData message of the frontend; nothing is ever applied here. */
export function statusMessage({ received, durable, atMs, wantsReply }: StandbyStatus): Uint8Array {
  const bytes = new Uint8Array(5 + 34);
  const view = new DataView(bytes.buffer);
  // 'd', length, 'r'
  bytes[0] = 0x64;
  view.setUint32(1, bytes.length - 1);
  bytes[5] = 0x72;
  view.setBigUint64(6, BigInt(received));
  view.setBigUint64(14, BigInt(durable));
  view.setBigUint64(22, 0n);
  view.setBigInt64(30, BigInt(atMs * 1000 - epochMicros));
  bytes[38] = wantsReply ? 1 : 0;
  return bytes;
}

/** CopyDone of the frontend: the answer to the end of a timeline. */
export const copyDoneMessage = Uint8Array.of(0x63, 0, 0, 0, 4);

const bigEndianAt = (view: DataView, at: number): number => Number(view.getBigUint64(at));
