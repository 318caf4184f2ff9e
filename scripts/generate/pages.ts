import { projectRoot } from '../supervisor/program.ts';
import { cliPage } from './cli-page.ts';
import { enginesPage } from './engines-page.ts';
import { errorsPage } from './errors-page.ts';
import { graphPage } from './graph-page.ts';
import { settingsPage } from './settings-page.ts';
import { openapiPage } from './openapi-page.ts';
import { requirementsPage } from './requirements.ts';
import { testTitles } from './test-titles.ts';

/** Every generated page: file name below docs/reference/ → its text. */
export const pages: Readonly<Record<string, () => Promise<string> | string>> = {
  'requirements.md': () => requirementsPage(testTitles(projectRoot)),
  'cli.md': cliPage,
  'engines.md': () => enginesPage(testTitles(projectRoot)),
  'errors.md': errorsPage,
  'openapi.json': openapiPage,
  'settings.md': settingsPage,
  'dependency-graph.md': () => graphPage(projectRoot),
};
