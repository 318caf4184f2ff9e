import type { Command } from 'commander';
import { z } from 'zod';
import { wordOfVerdict } from '#core/drill/drill.ts';
import type { DrillReport } from '#core/drill/drill-report.ts';
import { reportPage } from '#core/drill/report-page.ts';
import { fail } from '#core/errors/fail.ts';
import { drillReportShape, signedReportShape } from '#core/settings/shape/drill.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { demandGenuine } from '#api/report-key.ts';
import { listShape } from '#api/routes/words.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import { addVerb } from '#api/cli/cli.ts';
import { tableOf, timeText } from '#api/cli/terminal.ts';
import { demandNewFile, readTypedFile, readTypedJson, writeNewFile } from '#api/cli/typed-file.ts';
import { checksOf, checkOptions, checkShape } from './drill-checks.ts';
import { addStandingVerbs, secondsText } from './drill-standing.ts';
import { addDrillTargetCommands, targetFields, targetOptions } from './drill-target.ts';
import {
  limitOptions,
  limitShape,
  limitsOf,
  reconnectOf,
  reconnectOptions,
  reconnectShape,
} from '#api/cli/commands/jobs/limit-words.ts';
import { startAndWatch, waitOptions, waitShape } from '#api/cli/commands/runs/run-words.ts';

const drillShape = z.looseObject({
  runId: z.string(),
  resourceName: z.string().nullable(),
  state: z.string(),
  isPassed: z.boolean().nullable(),
  plannedAt: z.string(),
  report: drillReportShape.nullable(),
});
type Drill = z.output<typeof drillShape>;

const runShape = z.object({
  ...{ ...waitShape, ...limitShape, ...reconnectShape, ...checkShape },
  ...{ resource: z.string(), host: z.string().optional(), pool: z.string().optional() },
  ...targetFields,
  channels: z.coerce.number().int().optional(),
});

export function addDrillCommands(program: Command, cli: Cli): void {
  const noun = program
    .command('drill')
    .description('proof that a resource can be brought back: restore, check, report');
  addVerb(noun, cli, {
    usage: 'run',
    title: 'restore the newest set and all log to a scratch instance, check it, sign a report, remove it (K-092)',
    options: {
      '--resource <resource>': 'what is drilled; it is not touched',
      '--host <host>': 'where the scratch instance is made; the resource’s own when absent',
      '--pool <pool>': 'from this pool; that of the newest set when absent',
      ...{ ...targetOptions, ...checkOptions },
      '--channels <n>': 'parallel streams, 1 to 255 (1; K-106), on at most 16 threads',
      ...limitOptions('writes'),
      ...reconnectOptions,
      ...waitOptions,
    },
    shape: runShape,
    act: async (_cli, args, isJson) => {
      const { resource, host, pool, channels, target, afterwards } = args;
      const body = {
        resource,
        host,
        pool,
        channels,
        target,
        afterwards,
        limits: limitsOf(args),
        checks: await checksOf(args),
      };
      return startAndWatch(cli, {
        ...{ ...args, isJson, path: '/api/v1/drills' },
        body: { ...body, ...reconnectOf(args.reconnect) },
      });
    },
  });
  addDrillTargetCommands(noun, cli);
  addReadingVerbs(noun, cli);
  addReportVerbs(noun, cli);
  addStandingVerbs(noun, cli);
}

function addReadingVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'ls',
    title: 'drills, newest first',
    options: { '--resource <resource>': 'of this resource only' },
    shape: z.object({ resource: z.string().optional() }),
    act: async (_cli, { resource }) => {
      const query = resource === undefined ? '' : `?resource=${encodeURIComponent(resource)}`;
      const { data } = await (await cli.client()).get(listShape(drillShape), `/api/v1/drills${query}`);
      const rows = data.map(({ runId, resourceName, plannedAt, report, ...drill }) => [
        ...[runId, resourceName ?? '-', wordOf(drill), timeText(plannedAt)],
        ...[secondsText(report?.rto.seconds), secondsText(report?.rpoSeconds)],
      ]);
      const text =
        rows.length === 0 ? 'No drill yet.' : tableOf(['RUN', 'RESOURCE', 'RESULT', 'BEGUN', 'RTO', 'RPO'], rows);
      return { json: data, text };
    },
  });
  addVerb(noun, cli, {
    usage: 'show <run>',
    title: 'what a drill found',
    shape: z.object({ run: idShape('run') }),
    act: async (_cli, { run }) => {
      const drill = await (await cli.client()).get(drillShape, `/api/v1/drills/${run}`);
      const { report } = drill;
      return { json: drill, text: report === null ? `${run} is ${drill.state}, no report yet` : reportText(report) };
    },
  });
}

function addReportVerbs(noun: Command, cli: Cli): void {
  addVerb(noun, cli, {
    usage: 'report <run>',
    title: 'write the signed report of a drill to a file: JSON, or a page that can be printed',
    options: { '--out <file>': 'new file that is made', '--html': 'the page instead of the signed report' },
    shape: z.object({ run: idShape('run'), out: z.string(), html: z.boolean().default(false) }),
    act: async (_cli, { run, out, html }) => {
      const file = { option: '--out', file: out };
      await demandNewFile(file);
      const signed = await (await cli.client()).get(signedReportShape, `/api/v1/drills/${run}/report`);
      const text = html ? reportPage(parsedReport(signed.text), signed) : `${JSON.stringify(signed, undefined, 1)}\n`;
      await writeNewFile(file, text, 0o644);
      return { json: { run, out, sha256: signed.sha256 }, text: `${out}: report ${signed.sha256}` };
    },
  });
  addVerb(noun, cli, {
    usage: 'verify-report <file>',
    title: 'check that a report is what the server signed; exit code 7 when it is not',
    options: {
      '--key <file>': 'public key in PEM, kept from before; that of the server when absent',
      '--previous <file>': 'the report before it of the same resource: the chain is checked',
    },
    shape: z.object({ file: z.string(), key: z.string().optional(), previous: z.string().optional() }),
    act: (_cli, args) => verified(cli, args),
  });
  addVerb(noun, cli, {
    usage: 'public-key',
    title: 'print the public key that reports are signed with',
    shape: z.object({}),
    act: async () => {
      const json = { publicKey: await publicKeyOf(cli) };
      return { json, text: json.publicKey.trimEnd() };
    },
  });
}

const publicKeyOf = async (cli: Cli): Promise<string> =>
  (await (await cli.client()).get(z.looseObject({ publicKey: z.string() }), '/api/v1/drills/public-key')).publicKey;

/** Throws `drill_report_forged` when the text is no report. */
function parsedReport(text: string): DrillReport {
  try {
    return drillReportShape.parse(JSON.parse(text));
  } catch (cause) {
    throw fail('drill_report_forged', { why: 'its text is no report of a drill' }, cause);
  }
}

async function signedFrom(option: string, file: string) {
  return readTypedJson({ option, file }, signedReportShape);
}

async function verified(
  cli: Cli,
  { file, key, previous }: { file: string; key?: string | undefined; previous?: string | undefined },
): Promise<Said> {
  const signed = await signedFrom('<file>', file);
  const publicKey = key === undefined ? await publicKeyOf(cli) : await readTypedFile({ option: '--key', file: key });
  demandGenuine(signed, publicKey);
  const report = parsedReport(signed.text);
  if (previous !== undefined) {
    const before = await signedFrom('--previous', previous);
    demandGenuine(before, publicKey);
    if (before.sha256 !== report.previousSha256)
      throw fail('drill_report_forged', { why: `${previous} is not the report before it` });
  }
  const { sha256 } = signed;
  return { json: { isGenuine: true, sha256, report }, text: `genuine, ${sha256}\n${reportText(report)}` };
}

const wordOf = ({ isPassed, state }: Pick<Drill, 'isPassed' | 'state'>): string =>
  isPassed === null ? state : isPassed ? 'passed' : 'FAILED';

const lessOf = ({ isPassed, isComplete }: DrillReport): string =>
  isPassed && !isComplete ? ' (less was proven: not everything was checked)' : '';

function reportText(report: DrillReport): string {
  const phases = Object.entries(report.rto.secondsByPhase).map(([phase, value]) => `${phase} ${secondsText(value)}`);
  return [
    `${report.isPassed ? 'PASSED' : 'FAILED'}${lessOf(report)}  ${report.resource.name} on ${report.host.name} from pool ${report.pool.name}`,
    `set       ${report.chain.join(' ← ')}, ${String(report.logSegments)} segments of log`,
    `RTO       ${secondsText(report.rto.seconds)} (${phases.join(', ')})`,
    `RPO       ${secondsText(report.rpoSeconds)}, covered until ${timeText(report.coveredUntil)}`,
    tableOf(
      ['CHECK', 'RESULT', 'FOUND'],
      report.checks.map(({ name, verdict, detail }) => [name, wordOfVerdict(verdict), detail]),
    ),
  ].join('\n');
}
