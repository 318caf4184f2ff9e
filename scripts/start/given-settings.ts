/** Where `npm start` puts its parts and how they find each other is its own affair, whatever the terminal says. */
const ownSettings = new Set([
  ...['HOLDFAST_HOME', 'HOLDFAST_AGENT_HOME', 'HOLDFAST_API_URL', 'HOLDFAST_API_HOST', 'HOLDFAST_API_PORT'],
  ...['HOLDFAST_CATALOG_URL', 'HOLDFAST_CATALOG_PASSWORD_FILE', 'HOLDFAST_AGENT_TEMPORAL_ADDRESS'],
  ...['HOLDFAST_ENROL_TOKEN', 'HOLDFAST_ENROL_TOKEN_FILE', 'HOLDFAST_TOKEN', 'HOLDFAST_TOKEN_FILE'],
  ...['HOLDFAST_PASSWORD', 'HOLDFAST_PASSPHRASE', 'HOLDFAST_QUEUE_PREFIX', 'HOLDFAST_FAULT_POINT'],
]);
const ownPrefixes = ['HOLDFAST_TEMPORAL_', 'HOLDFAST_API_TLS_'];

/** What somebody set for the API, the worker and the agent in the environment of `npm start` (docs/reference/settings.md). */
export const givenSettings = (environment: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => {
      const isSetting = name.startsWith('HOLDFAST_') || name.startsWith('OTEL_EXPORTER_');
      const isOwn = ownSettings.has(name) || ownPrefixes.some((prefix) => name.startsWith(prefix));
      return value !== undefined && isSetting && !isOwn ? [[name, value]] : [];
    }),
  );
