import { getJobOfRun } from '#catalog/runs/jobs-of-runs.ts';
import type { Database } from '#catalog/database.ts';
import { getRun } from '#catalog/runs/runs.ts';
import type { RunId } from '#core/id.ts';
import { cutText } from '#core/text.ts';

/** How a run reads in Temporal Web; both are sealed like every payload, so names may be in them. */
export interface RunTitle {
  /** One line, at most 200 characters. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
}

const longest = 200;

/** What an operator who finds the workflow wants to know first. Throws `run_unknown`. */
export async function titleOfRun(db: Database, runId: RunId): Promise<RunTitle> {
  const { name, revision } = await getJobOfRun(db, runId);
  const { kind, hostName, hostId, resourceName, trigger, startedBy } = await getRun(db, runId);
  const lines = [
    `- job: ${name} (revision ${String(revision)})`,
    `- kind: ${kind}`,
    ...(resourceName === null ? [] : [`- resource: ${resourceName}`]),
    `- host: ${hostName ?? hostId}`,
    `- started: ${trigger}, by ${startedBy}`,
    `- look closer: \`holdfast run show ${runId}\`, \`holdfast run logs ${runId}\``,
    '- cancel it there, with `holdfast run cancel`; do not terminate it here: a terminated run cleans nothing up',
  ];
  return { summary: cutText(`${name} · ${kind}`, longest), details: lines.join('\n') };
}
