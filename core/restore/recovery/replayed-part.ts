import { microsOfInstant } from '#core/instant.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { NotableRecord } from '#core/wal/log-record.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import type { RecordPlace } from '#core/wal/read-segment.ts';

/**
 * Which records of the log that was put into place the server will replay, as far as that can be told from the notable ones in log order
 * (PostgreSQL `xlogrecovery.c`, `recoveryStopsBefore` and `recoveryStopsAfter`). In doubt a record is replayed.
 */
export class ReplayedPart {
  readonly #setting: RestorePlan['setting'];
  readonly #beginsAt: number;
  readonly #consistentAt: number;
  #isOver = false;

  /** `from`: where replay begins, the redo pointer of the set. */
  constructor({ setting, mustReach }: Pick<RestorePlan, 'setting' | 'mustReach'>, from: Lsn) {
    this.#setting = setting;
    this.#beginsAt = lsnToNumber(from);
    this.#consistentAt = lsnToNumber(mustReach);
  }

  /** True once nothing that follows is replayed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True when this record is replayed. Each is asked about once, in log order. */
  includes(record: NotableRecord, place: RecordPlace): boolean {
    if (this.#isOver || place.position < this.#beginsAt) return false;
    const setting = this.#setting;
    if (setting.at === 'lsn') return this.#endsAt(lsnToNumber(setting.lsn), place);
    if (setting.at === 'immediate') return this.#endsAt(this.#consistentAt, place);
    if (setting.at === 'time' && record.kind === 'end') {
      this.#isOver = record.atMicros > microsOfInstant(setting.time);
      return !this.#isOver;
    }
    if (setting.at === 'xid') this.#isOver = record.kind === 'end' && String(record.xid) === setting.xid;
    if (setting.at === 'name') this.#isOver = record.kind === 'restore-point' && record.name === setting.name;
    return true;
  }

  /** The first record that begins at or behind the position is the last one. */
  #endsAt(end: number, { previous }: RecordPlace): boolean {
    this.#isOver = previous >= end;
    return !this.#isOver;
  }
}
