import type { Replay } from '#core/run/progress.ts';
import { formatLsn, lsnToNumber } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';

/** Over so much of the past the speed of a recovery is measured: checkpoints and large transactions make it uneven. */
const windowMs = 30_000;

interface Sample {
  readonly at: number;
  readonly ms: number;
}

/** How far a recovery is on its way through the log, and how long the rest will take at the speed of the last half minute. */
export class ReplayProgress {
  readonly #to: Lsn;
  readonly #samples: Sample[] = [];
  #from: number | undefined;

  /** `to` must be reached; recovery may go on beyond it. */
  constructor(to: Lsn) {
    this.#to = to;
  }

  /** The server replays at `lsn`, at `ms` of a clock that only goes forward. A position before an earlier one counts as that. */
  saw(lsn: Lsn, ms: number): Replay {
    const last = this.#samples[this.#samples.length - 1];
    const at = Math.max(lsnToNumber(lsn), last?.at ?? 0);
    this.#from ??= at;
    if (last === undefined || at > last.at || ms - last.ms >= 1000) this.#samples.push({ at, ms });
    while ((this.#samples[1]?.ms ?? Infinity) < ms - windowMs) this.#samples.shift();
    const left = this.#secondsLeft(at, ms);
    return {
      ...{ from: formatLsn(this.#from), at: formatLsn(at), to: this.#to },
      ...(left === undefined ? {} : { secondsLeft: left }),
    };
  }

  /** Undefined until two positions are known. */
  #secondsLeft(at: number, ms: number): number | undefined {
    const rest = Math.max(0, lsnToNumber(this.#to) - at);
    if (rest === 0) return 0;
    const [first] = this.#samples;
    if (first === undefined || at <= first.at || ms <= first.ms) return undefined;
    return Math.ceil((rest * (ms - first.ms)) / (at - first.at) / 1000);
  }
}
