import type { settingsTable } from './settings-table.ts';

/** Titles of the groups of settings, in help and in the generated pages. */
export const groupTitles: Readonly<Record<keyof typeof settingsTable, string>> = {
  langfuse: 'Langfuse',
  litellm: 'LiteLLM',
  understanding: 'What is counted',
  windows: 'Windows',
  mlflow: 'MLflow',
  state: 'State',
  aws: 'AWS',
  network: 'Network',
  content: 'Content',
  schedule: 'Schedule',
  monitoring: 'Monitoring',
  log: 'Log',
};
