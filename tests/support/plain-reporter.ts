import { mkdirSync, writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

interface TestLine {
  readonly file: string;
  readonly title: string;
  readonly state: string;
}

const statesOf = (modules: readonly TestModule[]): TestLine[] =>
  modules.flatMap((module) =>
    [...module.children.allTests()].map((one: TestCase) => ({
      file: module.relativeModuleId,
      title: one.fullName,
      state: one.result().state,
    })),
  );

const count = (lines: readonly TestLine[], state: string): number =>
  lines.filter((line) => line.state === state).length;

/**
 * Ends every run with the plain line `N passed, N failed` (`, N skipped` when some were) and writes the titles with
 * their results to `.holdfast/test-results.json`, from which the requirement table is generated.
 */
export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines = statesOf(modules);
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const skipped = count(lines, 'skipped');
    mkdirSync('.holdfast', { recursive: true });
    writeFileSync('.holdfast/test-results.json', `${JSON.stringify(lines, undefined, 1)}\n`);
    const tail = skipped === 0 ? '' : `, ${String(skipped)} skipped`;
    const text = `${String(count(lines, 'passed'))} passed, ${String(count(lines, 'failed') + broken)} failed${tail}\n`;
    // Why: in CI a missing component is a failure, not a reason to look away (build.md "Tests").
    if (skipped > 0 && process.env['HOLDFAST_DEMAND'] === '1') process.exitCode = 1;
    // Why: the default reporter prints its summary in the same turn; this line must be the last one.
    process.once('exit', () => process.stdout.write(text));
  }
}
