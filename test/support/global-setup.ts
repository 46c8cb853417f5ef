/** Installs the real MLflow versions once before the integration tests and tells the tests where they are. */
import type { TestProject } from 'vitest/node';
import {
  installMlflow,
  mlflowVersions,
  type MlflowInstall,
  type MlflowVersion,
} from './mlflow-install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mlflow: Record<MlflowVersion, MlflowInstall>;
  }
}

/** In CI a missing MLflow is a failure; elsewhere its tests are skipped and say why. */
export async function setup(project: TestProject): Promise<void> {
  const installs: Partial<Record<MlflowVersion, MlflowInstall>> = {};
  for (const version of mlflowVersions) {
    const install = await installMlflow(version);
    if (install.problem !== null && process.env.CI === 'true') throw new Error(install.problem);
    if (install.problem !== null)
      process.stderr.write(`${install.problem}\nTests that need it are skipped.\n`);
    installs[version] = install;
  }
  project.provide('mlflow', installs as Record<MlflowVersion, MlflowInstall>);
}
