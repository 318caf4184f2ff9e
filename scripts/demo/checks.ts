import { isDeepStrictEqual } from 'node:util';

/**
 * Every check of the demo. Each compares two independent sources: what SQL said on the source before with what SQL says on
 * the copy after, what the API tells with the pool's own listing. `HOLDFAST_SABOTAGE=<name>` breaks the thing itself.
 */
export const checkNames = [
  'set-is-in-the-pool',
  'killed-in-the-middle',
  'killed-run-succeeds',
  'nothing-sent-again',
  'no-backup-session-left',
  'incremental-restores',
  'log-is-in-the-pool',
  'mistake-happened',
  'content-is-equal',
  'stops-at-the-last-commit',
  'tablespace-moved',
  'copy-is-isolated',
  'table-comes-back',
  'database-comes-back',
  'other-databases-go-on',
  'sets-verify',
  'retention-explains',
  'drill-passes',
  'drill-report-is-signed',
] as const;
export type CheckName = (typeof checkNames)[number];

export interface CheckResult {
  readonly name: CheckName;
  readonly ok: boolean;
  readonly detail: string;
}

/** Collects one result per check; a check that never ran counts as failed. */
export class CheckBook {
  private readonly results = new Map<CheckName, CheckResult>();

  /** Records whether two independently obtained values agree. */
  compare(name: CheckName, expected: unknown, found: unknown, what: string): void {
    const isEqual = isDeepStrictEqual(expected, found);
    this.record(name, isEqual, isEqual ? what : `${what}: expected ${show(expected)}, found ${show(found)}`);
  }

  record(name: CheckName, isOk: boolean, detail: string): void {
    const before = this.results.get(name);
    this.results.set(name, before?.ok === false ? before : { name, ok: isOk, detail });
  }

  all(): readonly CheckResult[] {
    return checkNames.map((name) => this.results.get(name) ?? { name, ok: false, detail: 'did not run' });
  }

  get isOk(): boolean {
    return this.all().every((result) => result.ok);
  }
}

const show = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};
