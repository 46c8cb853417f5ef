import { resolve } from 'node:path';
import { dayMs } from '../shared/time.ts';
import type { Finding } from './find-value.ts';
import { langfuseSettings } from './langfuse-settings.ts';
import { mlflowSettings } from './mlflow-settings.ts';
import { toNameConflict } from './name-target.ts';
import { renderDuration } from './parse-duration.ts';
import { nameSetting, type Problem } from './problem.ts';
import type { AnySetting } from './setting.ts';
import { settingsTable } from './settings-table.ts';
import type { Secrets, Settings } from './settings.ts';

/** Settings of which some could not be parsed. */
export type PartialSettings = {
  readonly [Group in keyof Settings]: {
    readonly [Key in keyof Settings[Group]]: Settings[Group][Key] | undefined;
  };
};

/** Problems of values that are each allowed, but not together. */
export function checkTogether({
  values,
  secrets,
  findings,
}: {
  values: PartialSettings;
  /** Null: not set; undefined: set, but not usable. */
  secrets: Partial<Secrets>;
  findings: ReadonlyMap<AnySetting, Finding>;
}): Problem[] {
  const problems: Problem[] = [];
  const refuse = (setting: AnySetting, reason: string): void => {
    const finding = findings.get(setting);
    const from = finding?.kind === 'found' ? finding.from : setting.env[0];
    const line = `${nameSetting(setting, from)}: ${reason}.`;
    problems.push({ setting: setting.env[0], line });
  };
  const { mlflow, langfuse, state, windows } = values;

  if (mlflow.insecureTls === true && mlflow.serverCertPath) {
    refuse(
      mlflowSettings.insecureTls,
      'is set together with MLFLOW_TRACKING_SERVER_CERT_PATH; a certificate that is not verified needs no authority, keep one',
    );
  }
  if (mlflow.username && secrets.mlflowPassword === null) {
    refuse(
      mlflowSettings.username,
      'is set without MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_PASSWORD_FILE); set both or neither',
    );
  }
  if (mlflow.username === null && secrets.mlflowPassword) {
    refuse(
      mlflowSettings.mlflowPassword,
      'is set without MLFLOW_TRACKING_USERNAME; set both or neither',
    );
  }
  if (langfuse.publicKey && langfuse.publicKey === secrets.langfuseSecretKey) {
    refuse(langfuseSettings.langfuseSecretKey, 'is the same as LANGFUSE_PUBLIC_KEY');
  }
  const nameConflict = toNameConflict(mlflow);
  if (nameConflict !== null) refuse(mlflowSettings.serverName, nameConflict);
  const local = mlflow.trackingUri?.kind === 'local' ? mlflow.trackingUri.path : null;
  if (local !== null && state.file && resolve(local) === resolve(state.file)) {
    refuse(
      settingsTable.state.file,
      'is the file that MLFLOW_TRACKING_URI names; the worker and MLflow each need their own',
    );
  }
  const { factsRetentionMs, lookbackMs, sizeMs } = windows;
  if (factsRetentionMs && lookbackMs !== undefined && sizeMs !== undefined) {
    const shortestMs = Math.ceil(lookbackMs / sizeMs) * sizeMs + sizeMs + 7 * dayMs;
    if (factsRetentionMs <= shortestMs) {
      refuse(
        settingsTable.windows.factsRetentionMs,
        `must be longer than SYNC_LOOKBACK, SYNC_WINDOW and a week together (${renderDuration(shortestMs)}): windows within the lookback are read again on each run, and their reports stand beside those of a week before`,
      );
    }
  }
  if (local !== null && values.content.traces && values.content.traces.kind !== 'off') {
    refuse(
      settingsTable.content.traces,
      'needs an MLflow server; into a local file (MLFLOW_TRACKING_URI=sqlite:///…) the worker writes runs alone. Start "mlflow server" on that file and give its http address, or set off',
    );
  }
  return problems;
}
