/** Titles of the groups of settings, in the generated pages. */
export const groupTitles: Readonly<Record<string, string>> = {
  langfuse: 'Langfuse',
  understanding: 'What is counted',
  windows: 'Windows',
  mlflow: 'MLflow',
  state: 'State',
  content: 'Content',
  log: 'Log',
};
