/** Installs the real MLflow versions, S3 server and LiteLLM proxy once before the integration tests and tells the tests where they are. */
import type { TestProject } from 'vitest/node';
import { installBoto3, type Boto3Install } from './boto3-install.ts';
import { installLitellm, type LitellmInstall } from './litellm-install.ts';
import {
  installMlflow,
  mlflowVersions,
  type MlflowInstall,
  type MlflowVersion,
} from './mlflow-install.ts';
import { installSeaweed, type SeaweedInstall } from './seaweed-install.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mlflow: Record<MlflowVersion, MlflowInstall>;
    seaweed: SeaweedInstall;
    boto3: Boto3Install;
    litellm: LitellmInstall;
  }
}

/** In CI a missing server is a failure; elsewhere its tests are skipped and say why. */
export async function setup(project: TestProject): Promise<void> {
  const installs: Partial<Record<MlflowVersion, MlflowInstall>> = {};
  for (const version of mlflowVersions) {
    const install = await installMlflow(version);
    complain(install.problem);
    installs[version] = install;
  }
  project.provide('mlflow', installs as Record<MlflowVersion, MlflowInstall>);

  const seaweed = await installSeaweed();
  complain(seaweed.problem);
  project.provide('seaweed', seaweed);

  const boto3 = await installBoto3();
  complain(boto3.problem);
  project.provide('boto3', boto3);

  const litellm = await installLitellm();
  complain(litellm.problem);
  project.provide('litellm', litellm);
}

function complain(problem: string | null): void {
  if (problem === null) return;
  if (process.env.CI === 'true') throw new Error(problem);
  process.stderr.write(`${problem}\nTests that need it are skipped.\n`);
}
