import { parseArgs } from 'node:util';
import { agentFlags } from '#core/settings/agent-settings.ts';
import { envName } from '#core/settings/registry.ts';

/** `--enrol env` says that the token is in the environment. */
const inEnvironment = 'env';

export interface AgentFlags {
  /** What the flags say, by the names that the environment has for it. */
  readonly settings: Readonly<Record<string, string>>;
  /** With `--enrol` the program only enrols: the service that runs for ever needs no token. */
  readonly isEnrolment: boolean;
}

/** Reads the command line of the agent. Throws on an unknown flag. */
export function flagsIn(args: readonly string[]): AgentFlags {
  const flags = Object.entries(agentFlags);
  const options = Object.fromEntries(flags.map(([, flag]) => [flag, { type: 'string', multiple: true } as const]));
  const { values } = parseArgs({ args: [...args], options });
  const given = flags.flatMap(([key, flag]) => {
    const said = values[flag] ?? [];
    const text = flag === agentFlags.discoverRoot ? said.join(':') : said[said.length - 1];
    return said.length === 0 || text === undefined || text === inEnvironment ? [] : [[envName(key), text] as const];
  });
  return { settings: Object.fromEntries(given), isEnrolment: values[agentFlags.enrolTokenFile] !== undefined };
}
