import { readlinkSync, realpathSync } from 'node:fs';
import { engineProfile, requireMajor } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { readControlFile, readMajor, readPidFile } from '#agent/datadir/reader.ts';
import { exec } from '#agent/exec.ts';
import { archiveDirectoryProblem, foreignLogIn } from './archive-directory.ts';
import type { Check, Checked } from './check.ts';
import { engineChecks } from './engine-checks.ts';

/** All checks, most fundamental first: the first problem is the one to solve first. */
export async function checksOf(checked: Checked): Promise<readonly Check[]> {
  const { rights } = checked;
  // It starts a program: the others go on meanwhile.
  const program = programCheck(checked);
  // Why: a failure belongs to its place in the list; until then it must not count as unhandled.
  program.catch(() => undefined);
  return [
    await versionCheck(checked),
    identityCheck(checked),
    await dataDirectoryCheck(checked),
    { check: 'login', detail: `${rights.user} ${rights.isSuperuser ? 'is superuser' : 'has the needed rights'}` },
    roleCheck(checked),
    logLevelCheck(checked),
    archiveModeCheck(checked),
    archiveDirectoryCheck(checked),
    archiverCheck(checked),
    checksumCheck(checked),
    await program,
    ...(await engineChecks(checked)),
  ];
}

async function versionCheck({ session, instance, facts }: Checked): Promise<Check> {
  const { title, limit } = session.identity;
  return {
    check: 'version',
    detail: `${title} (${String(facts.serverVersion)})`,
    ...(limit === undefined
      ? {}
      : {
          warning: {
            detail: `${title}: ${limit}`,
            hint: 'Prove a restore of this instance before you rely on its backups.',
          },
        }),
    problem: await problemOf(() => {
      requireMajor(engineProfile(instance.engine), session.serverMajor, session.instance);
    }),
  };
}

function identityCheck({ session, instance, facts }: Checked): Check {
  const found = facts.systemId;
  const recorded = instance.systemId;
  const object = `The instance at ${session.instance}`;
  return {
    check: 'system-id',
    detail: found,
    problem: found === recorded ? undefined : fail('system_id_mismatch', { object, found, recorded }),
  };
}

/** What is copied must be what the server serves: same path, same identity, same version (peers.md §5 item 3). */
async function dataDirectoryCheck({ session, instance, facts }: Checked): Promise<Check> {
  const profile = engineProfile(instance.engine);
  const recorded = instance.dataDirectory;
  const problem = await problemOf(async () => {
    const major = readMajor(profile, recorded);
    const { content } = await readControlFile(profile, recorded);
    if (realpathSync(recorded) !== realpathSync(facts.dataDirectory)) {
      throw fail('data_directory_mismatch', { instance: session.instance, found: facts.dataDirectory, recorded });
    }
    if (content.systemId !== facts.systemId || major !== session.serverMajor) {
      throw fail('system_id_mismatch', {
        object: `The data directory ${recorded}`,
        found: content.systemId,
        recorded: facts.systemId,
      });
    }
  });
  return { check: 'data-directory', detail: recorded, problem };
}

function roleCheck({ session, facts }: Checked): Check {
  const problem = facts.role === 'standby' ? fail('backup_from_standby', { instance: session.instance }) : undefined;
  return { check: 'role', detail: `${facts.role} on timeline ${String(facts.timeline)}`, problem };
}

function logLevelCheck({ session, facts }: Checked): Check {
  const { walLevel: level } = facts;
  return {
    check: 'wal-level',
    detail: level,
    problem: level === 'minimal' ? fail('wal_level_too_low', { instance: session.instance, level }) : undefined,
  };
}

function archiveModeCheck({ session, facts }: Checked): Check {
  const { instance } = session;
  const problem = (): HoldfastError | undefined => {
    if (facts.archiveMode === 'off') return fail('archive_mode_off', { instance });
    if (facts.archiveMode === 'always') return fail('archive_mode_always', { instance });
    const hasWay = facts.archiveCommand !== '' || facts.archiveLibrary !== '';
    return hasWay ? undefined : fail('archive_command_missing', { instance });
  };
  return { check: 'archive-mode', detail: facts.archiveMode, problem: problem() };
}

function archiveDirectoryCheck({ session, facts, archiveDirectory }: Checked): Check {
  const check = 'archive-directory';
  if (archiveDirectory === undefined) {
    const detail = 'archive_command does not show into which directory it writes';
    return {
      check,
      detail: '',
      warning: { detail, hint: 'Name the archive log directory in the job; log backup needs it.' },
    };
  }
  const problem =
    archiveDirectoryProblem(archiveDirectory, session.instance) ?? foreignLogIn(archiveDirectory, facts.systemId);
  return { check, detail: archiveDirectory, problem };
}

/** No failure is no success: of a server that wrote little since its start nobody knows whether its command works. */
const neverArchived = {
  detail: 'nothing was archived yet, so nobody has seen the archive_command work',
  hint: 'Let the server begin a new file (select pg_switch_wal()) and look again; the server log has the output of a command that fails.',
};

function archiverCheck({ facts }: Checked): Check {
  const check = 'archiver';
  if (facts.archiveMode === 'off') return { check, detail: 'nothing is archived' };
  if (facts.archiverFailure === '' && !facts.hasArchived) return { check, detail: '', warning: neverArchived };
  if (facts.archiverFailure === '') return { check, detail: 'no failure since the last success' };
  const detail = `archiving of ${facts.archiverFailure} failed and none succeeded since`;
  return {
    check,
    detail: '',
    warning: { detail, hint: 'Look at the server log for the output of archive_command; until it works pg_wal grows.' },
  };
}

function checksumCheck({ facts }: Checked): Check {
  const check = 'data-checksums';
  if (facts.hasChecksums) return { check, detail: 'on' };
  const hint = 'Close the server and run pg_checksums --enable: without them a damaged page is copied unseen.';
  return { check, detail: '', warning: { detail: 'data checksums are off', hint } };
}

/** Version of the server program that runs, by the first server process; a restore on this host needs the same. */
async function programCheck({ instance }: Checked): Promise<Check> {
  const check = 'server-program';
  const pid = readPidFile(instance.dataDirectory, engineProfile(instance.engine).files.pid)?.pid;
  try {
    const program = readlinkSync(`/proc/${String(pid)}/exe`);
    const { stdout } = await exec({ command: program, args: ['--version'], timeoutMs: 10_000 });
    return { check, detail: `${program}: ${stdout.trim()}` };
  } catch (cause) {
    const detail = `the server program cannot be asked: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { check, detail: '', warning: { detail, hint: 'Run the agent as root or as the owner of the instance.' } };
  }
}

/** The registered error a check throws becomes its finding; anything else goes on. */
async function problemOf(check: () => void | Promise<void>): Promise<HoldfastError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}
