import type { Connection } from 'pg';
import { formatLsn } from '#core/wal/lsn.ts';
import { copyDoneMessage, parseFromServer, statusMessage } from './replication-message.ts';
import type { StandbyStatus } from './replication-message.ts';

/** Where a stream begins. `from` is the first byte of a segment. */
export interface StreamStart {
  readonly slot: string;
  readonly timeline: number;
  readonly from: number;
}

export interface StreamSink {
  /** Log as it comes, in order; the bytes are valid during the call only. */
  onLog(from: number, bytes: Uint8Array): void;
  /** The server wants to hear how far we are. */
  onAsked(): void;
  /** Any word of the server. */
  onAlive(): void;
}

/**
 * One START_REPLICATION as the driver sees a query: it lives as long as the stream. `ended` settles when the server has no
 * more log on this timeline, and rejects with the error of the server or of the connection.
 */
export class StartReplication {
  readonly ended: Promise<void>;
  readonly #start: StreamStart;
  readonly #sink: StreamSink;
  #connection: Connection | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (cause: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  constructor(start: StreamStart, sink: StreamSink) {
    this.#start = start;
    this.#sink = sink;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Why: the receiver looks at it when it has time; until then nobody else may call it unhandled.
    this.ended.catch(() => undefined);
  }

  confirm(status: StandbyStatus): void {
    this.#connection?.stream.write(statusMessage(status));
  }

  /** Log that came stays in the socket until `resume`: the server waits. */
  pause(): void {
    this.#connection?.stream.pause();
  }

  resume(): void {
    this.#connection?.stream.resume();
  }

  /** Called by the driver, as are the others below. */
  submit = (connection: Connection): null => {
    const { slot, timeline, from } = this.#start;
    this.#connection = connection;
    connection.once('copyDone', () => connection.stream.write(copyDoneMessage));
    connection.query(`START_REPLICATION SLOT "${slot}" PHYSICAL ${formatLsn(from)} TIMELINE ${String(timeline)}`);
    return null;
  };

  handleCopyData = ({ chunk }: { readonly chunk: Uint8Array }): void => {
    const message = parseFromServer(chunk);
    this.#sink.onAlive();
    if (message?.kind === 'log') this.#sink.onLog(message.from, message.bytes);
    if (message?.kind === 'alive' && message.wantsReply) this.#sink.onAsked();
  };

  handleRowDescription = (): void => undefined;
  handleDataRow = (): void => undefined;
  handlePortalSuspended = (): void => undefined;
  handleEmptyQuery = (): void => undefined;
  handleCommandComplete = (): void => undefined;

  handleError = (error: unknown): void => {
    this.#connection = undefined;
    this.#settle.reject(error);
  };

  handleReadyForQuery = (): void => {
    this.#connection = undefined;
    this.#settle.resolve();
  };
}
