import type { RunRow } from '#catalog/runs/runs.ts';

type NamedRun = Pick<RunRow, 'hostId' | 'hostName' | 'resourceId' | 'resourceName'>;

/** What a workflow says in ids, in the words of people. */
export const withNames = (text: string, { hostId, hostName, resourceId, resourceName }: NamedRun): string =>
  [[hostId, hostName] as const, [resourceId, resourceName] as const].reduce(
    (said, [id, name]) => (id === null || name === null ? said : said.replaceAll(id, name)),
    text,
  );
