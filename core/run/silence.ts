const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const firstMs: readonly number[] = [minuteMs, 5 * minuteMs, 60 * minuteMs, 240 * minuteMs];

/**
 * How long a silent work is believed before its lane is asked again, for the nth time from 0; asking is idempotent and repairs a
 * lane that died. Each time leaves about ten events in the history of the run: after the first hours once a day, so that a run which
 * streams log or waits in line for years stays far below what a history holds (50 000).
 */
export const silenceMs = (round: number): number => firstMs[round] ?? dayMs;
