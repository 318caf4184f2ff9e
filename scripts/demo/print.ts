import type { Stage } from './stage.ts';
import type { Proof, RetentionProof } from './proof.ts';

export const mebibytes = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`;

const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
};

const planRow = ({ setId, type, storedBytes, isDeleted, why }: RetentionProof[number]): readonly string[] => [
  ...[isDeleted ? 'DELETE' : 'keep', setId, type, mebibytes(storedBytes), why],
];

const seconds = (stage: Stage, name: string): string => `${(stage.timings[name] ?? 0).toFixed(1)} s`;

/** The short table at the end: what, size, time, proof; then each check and what to open. */
export function printProof(stage: Stage, proof: Proof): void {
  const { first, killed, incremental, log, moment, copy, table: logical, database, retention, drill } = proof;
  const { say } = stage.options;
  const killedName = 'second full backup, agent killed in the middle';
  say('');
  const rows = [
    ['what', 'size', 'time', 'proof'],
    ['full backup', mebibytes(first.storedBytes), seconds(stage, 'full backup'), first.id],
    [
      'full backup, killed',
      mebibytes(killed.set.storedBytes),
      seconds(stage, killedName),
      `${mebibytes(killed.acknowledgedBytes)} kept`,
    ],
    [
      'incremental backup',
      mebibytes(incremental.set.storedBytes),
      seconds(stage, 'incremental backup'),
      `changed pages by ${incremental.changedPages}`,
    ],
    ['log backup', mebibytes(log.storedBytes), seconds(stage, 'log backup'), `${String(log.segments)} segments`],
    ['recovery', mebibytes(killed.set.rawBytes), seconds(stage, 'recover a copy to that moment'), `to ${moment.time}`],
    [
      'one table',
      mebibytes(logical.storedBytes),
      seconds(stage, 'logical restore of the table'),
      `from the logical set ${logical.id}`,
    ],
    [
      'one database',
      '',
      seconds(stage, 'recover one database to that moment'),
      `the replaced one is kept as ${database.keptAs}`,
    ],
    [
      'drill',
      '',
      seconds(stage, 'drill'),
      `${drill.isPassed ? 'passed' : 'FAILED'}, a recovery takes ${drill.rtoSeconds.toFixed(1)} s`,
    ],
  ];
  for (const line of table(rows)) say(line);
  say('');
  say('  What `holdfast retention plan` would delete when the last full is kept, and why (nothing is deleted here):');
  for (const line of table(retention.map(planRow))) say(line);
  say('');
  for (const check of stage.checks.all()) say(`  ${check.ok ? '✔' : '✘'} ${check.name}: ${check.detail}`);
  say('');
  if (killed.temporalUrl !== undefined)
    say(`  the killed run in Temporal Web (while the demo ran): ${killed.temporalUrl}`);
  say(`  the copy was in ${copy.directory}; --keep keeps the folder`);
  say(`  the report of the drill, signed: ${drill.page} (prints well; .json and .pem beside it)`);
  say(stage.checks.isOk ? 'Everything proved.' : 'NOT proved: see the failed checks above.');
}
