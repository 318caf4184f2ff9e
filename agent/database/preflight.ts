import type { Finding, PreflightReport } from '#core/agent/inspection.ts';
import type { InstanceAccess } from '#core/agent/order.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import { archiveDirectoryOf } from './archive-directory.ts';
import { checkRights } from './login.ts';
import type { Check } from './check.ts';
import { checksOf } from './preflight-checks.ts';
import { readServerFacts } from './server-facts.ts';
import type { ServerFacts } from './server-facts.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';

export interface PreflightRequest {
  readonly instance: InstanceAccess;
  /** K-082; undefined = taken from archive_command. */
  readonly archiveDirectory?: string | undefined;
}

export interface Inspected {
  readonly facts: ServerFacts;
  readonly archiveDirectory: string | undefined;
  readonly report: PreflightReport;
  /** Errors of the failed findings, most fundamental first. */
  readonly problems: readonly HoldfastError[];
}

/**
 * Checks whether an instance can be backed up and says for every obstacle what to do (issue 3 item 4). Throws only when
 * there is nothing to report about: `login_refused`, `instance_unreachable`, `privilege_missing`.
 */
export async function preflight(request: PreflightRequest): Promise<PreflightReport> {
  const session = await openSession(request.instance);
  try {
    return (await inspect(session, request)).report;
  } finally {
    await session.close();
  }
}

/** The same on a session that is open. A full backup refuses with the first of `problems`. */
export async function inspect(session: Session, { instance, archiveDirectory }: PreflightRequest): Promise<Inspected> {
  const rights = await checkRights(session, instance);
  const facts = await readServerFacts(session);
  const directory = archiveDirectory ?? archiveDirectoryOf(facts.archiveCommand);
  const checks = await checksOf({ session, instance, facts, rights, archiveDirectory: directory });
  return {
    facts,
    archiveDirectory: directory,
    report: {
      ...reportOf(facts),
      ...(directory === undefined ? {} : { archiveDirectory: directory }),
      findings: checks.map(findingOf),
    },
    problems: checks.flatMap(({ problem }) => problem ?? []),
  };
}

function reportOf(facts: ServerFacts): Omit<PreflightReport, 'findings' | 'archiveDirectory'> {
  const { serverVersion, systemId, timeline, hasChecksums, role, walLevel, archiveMode, segmentBytes, insertLsn } =
    facts;
  return { serverVersion, systemId, timeline, hasChecksums, role, walLevel, archiveMode, segmentBytes, insertLsn };
}

function findingOf({ check, detail, problem, warning }: Check): Finding {
  if (problem !== undefined) return { check, verdict: 'fail', detail: problem.message, hint: problem.hint };
  if (warning !== undefined) return { check, verdict: 'warn', detail: warning.detail, hint: warning.hint };
  return { check, verdict: 'ok', detail, hint: '' };
}
