import { renderConfigurationPage } from './render-configuration.ts';
import { renderEnvExample } from './render-env-example.ts';
import { renderErrorsPage } from './render-errors.ts';
import { renderMetricsPage } from './render-metrics.ts';

/** Every checked-in file that is made from the code, by its path from the root of the project. */
export const generatedPages: Readonly<Record<string, () => string>> = {
  '.env.example': renderEnvExample,
  'docs/configuration.md': renderConfigurationPage,
  'docs/errors.md': renderErrorsPage,
  'docs/metrics.md': renderMetricsPage,
};
