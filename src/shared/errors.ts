/**
 * The one error type of the product and the catalogue of its codes.
 *
 * Adapters translate what they meet into an {@link AppError} once, at the edge, always with `cause`.
 * The catalogue decides whether a fault may pass by itself (`retryable`), the exit code of the
 * command it ends, and the next step that a person is told. `docs/errors.md` is generated from it.
 */

/** Exit codes of every command. `docs/operations` explains what to do on each. */
export const ExitCode = {
  done: 0,
  usage: 2,
  behind: 3,
  windowsFailed: 4,
  tryAgainLater: 75,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

interface CatalogueEntry {
  readonly retryable: boolean;
  readonly exitCode: ExitCode;
  /** The next step, in a sentence. */
  readonly hint: string;
}

export const errorCatalogue = {
  SETTINGS_INVALID: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Correct the named settings; docs/configuration.md lists every one with what it allows.',
  },
  USAGE: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Run the command with --help to see what it takes.',
  },
  GATEWAY_CONFIG_INVALID: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Correct the file at the named place and run the command again; nothing was written.',
  },
  GATEWAY_CONFIG_UNWRITABLE: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Give this user the right to write the file and its folder, or run with --dry-run and make the change where the file comes from.',
  },
  LANGFUSE_AUTH: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and that LANGFUSE_BASE_URL is the region or host that issued them.',
  },
  LANGFUSE_WRONG_PROJECT: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'The state file belongs to another Langfuse project; use the keys of that project, or another SYNC_STATE_FILE.',
  },
  LANGFUSE_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that LANGFUSE_BASE_URL can be reached from here, then run again; nothing was lost.',
  },
  LANGFUSE_RATE_LIMITED: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Langfuse asked to wait longer than this run may; run again later, finished windows are kept.',
  },
  LANGFUSE_TOO_LARGE: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'Langfuse could not answer even for a single row; the row is named above.',
  },
  LANGFUSE_UNEXPECTED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'The answer is not what the Langfuse API gives; check LANGFUSE_BASE_URL (a login page or proxy may be answering) and run `langfuse-mlflow doctor`.',
  },
  LANGFUSE_NOT_EMPTY: {
    retryable: true,
    exitCode: ExitCode.windowsFailed,
    hint: 'Run again later: rows may still be on their way from one list to the other. If it stays so, read the list that has them (SYNC_LANGFUSE_READER), or take such windows for empty (SYNC_EMPTY_CHECK=off).',
  },
  LANGFUSE_UNSUPPORTED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Neither the v2 observations API nor the legacy API can be read on this server; run `langfuse-mlflow doctor`.',
  },
  MLFLOW_AUTH: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or for SageMaker the AWS credentials and what IAM allows them, and the permission on the experiment.',
  },
  MLFLOW_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that MLFLOW_TRACKING_URI can be reached from here, then run again; nothing was lost.',
  },
  MLFLOW_REJECTED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'MLflow refused the request; its own words are above.',
  },
  MLFLOW_UNEXPECTED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'The answer is not what an MLflow tracking server gives; check MLFLOW_TRACKING_URI and run `langfuse-mlflow doctor`.',
  },
  MLFLOW_EXPERIMENT_DELETED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Restore the experiment in MLflow, or choose another MLFLOW_EXPERIMENT_NAME.',
  },
  MLFLOW_STORE_UNKNOWN: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'The file was left untouched; point MLFLOW_TRACKING_URI at an MLflow server that uses it, or at another file.',
  },
  MLFLOW_STORE_BUSY: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Another program holds the MLflow database; stop it or run again later.',
  },
  MLFLOW_STORE_DISK: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Free some disk space, or make the folder of the MLflow database writable, then run again; nothing was lost.',
  },
  MLFLOW_ARTIFACTS_UNSUPPORTED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'Artifacts of this experiment live where the worker cannot write; use a server that proxies artifacts, or another experiment.',
  },
  STATE_UNUSABLE: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'The state file was left untouched; move it away and run again, or name another one with SYNC_STATE_FILE.',
  },
  STATE_BUSY: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Another worker is using this state file; wait for it to end.',
  },
  STATE_LOST: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Run `langfuse-mlflow recover` to take up the runs that MLflow holds, put back the state file that wrote them (SYNC_STATE_FILE), or choose another MLFLOW_EXPERIMENT_NAME.',
  },
  STATE_SHARD: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Go on with `langfuse-mlflow backfill --shard` on it, or fold all shards into one state file with `langfuse-mlflow merge`.',
  },
  MERGE_INCOMPLETE: {
    retryable: false,
    exitCode: ExitCode.behind,
    hint: 'Run the backfill of the named shards again until each ends with 0 or 4, then merge again; nothing was written.',
  },
  MERGE_REFUSED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Give the state files of one sharded backfill, each once, and a new file with --state-file; nothing was written.',
  },
  STATE_DISK: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Free some disk space, or point SYNC_STATE_FILE at a writable disk, then run again; finished windows are kept.',
  },
  FACTS_PRUNED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'Langfuse no longer shows what SYNC_FACTS_RETENTION took out of the state file; MLflow was left as it is. Run again when Langfuse shows it, or take what it shows with `langfuse-mlflow backfill` over the named windows.',
  },
  BACKUP_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that the S3 of SYNC_STATE_BACKUP can be reached from here, then run again; nothing in MLflow is lost.',
  },
  BACKUP_DENIED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check the AWS credentials of this worker and that they allow s3:GetObject and s3:PutObject on the object of SYNC_STATE_BACKUP and on the one beside it that ends in .lease, and s3:ListBucket on the bucket.',
  },
  BACKUP_UNUSABLE: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'The object and the state file were left untouched; move the object away or name another one with SYNC_STATE_BACKUP.',
  },
  BACKUP_FORKED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Nothing was changed. Move the state file away to go on from the backup, or move the backup away to go on from the state file; runs in MLflow are found again by their keys either way.',
  },
  LITELLM_AUTH: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check LITELLM_API_KEY, and that this key may use the model.',
  },
  LITELLM_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that LITELLM_BASE_URL (--litellm-url) can be reached from here and that the proxy runs.',
  },
  LITELLM_REJECTED: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'Check the model (--model) and its provider in LiteLLM; its own words are above.',
  },
  SMOKE_NOT_IN_LANGFUSE: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'Check that LiteLLM has the callback langfuse (litellm_settings.success_callback; failure_callback for --with-error), with the keys of this project, and restart the proxy; its log names failed exports. Where Langfuse is only slow, raise SYNC_SMOKE_WAIT (--wait).',
  },
  SMOKE_NOT_SYNCED: {
    retryable: false,
    exitCode: ExitCode.behind,
    hint: 'Run sync once the window of the request has settled (SYNC_WINDOW, SYNC_SETTLE), or look with status why it has not; then run smoke --follow again.',
  },
  SMOKE_DIFFERS: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'The request went all the way but is not told alike on both sides; run again with --keep and compare the run in MLflow with the row in Langfuse.',
  },
  MLFLOW_ARTIFACTS_DENIED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Allow the named action on the artifact bucket (`langfuse-mlflow doctor --print-iam` writes the policy), then run again; nothing was lost.',
  },
  MLFLOW_ARTIFACTS_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that the artifact bucket can be reached from here, then run again; nothing was lost.',
  },
  AWS_CREDENTIALS: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Give credentials by the usual chain of AWS (environment, AWS_PROFILE, a web identity or the role of the machine), then run again.',
  },
  SAGEMAKER_DENIED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check the AWS credentials and that they allow the named action; `langfuse-mlflow doctor --print-iam` writes the whole policy.',
  },
  SAGEMAKER_NOT_FOUND: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check the name, AWS_REGION and the account: a tracking server is only seen in its own region.',
  },
  SAGEMAKER_CONFLICT: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Look with `langfuse-mlflow tracking-server info`, and run again when the status has changed; --wait does so by itself.',
  },
  SAGEMAKER_FAILED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Check that the role of the server may use its bucket and that the account has quota left, then start it again.',
  },
  SAGEMAKER_UNREACHABLE: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'Check that the SageMaker API of the region can be reached from here, then run again.',
  },
  SAGEMAKER_UNEXPECTED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'SageMaker refused the request; its own words are above.',
  },
  WINDOWS_FAILED: {
    retryable: true,
    exitCode: ExitCode.windowsFailed,
    hint: 'Run again after mending what is named for each window; finished windows are kept and are not read twice.',
  },
  CLOCK_AHEAD: {
    retryable: true,
    exitCode: ExitCode.windowsFailed,
    hint: 'Compare both clocks with the true time and set the wrong one right (NTP), then run again: windows that both clocks call past are read.',
  },
  OUT_OF_TIME: {
    retryable: true,
    exitCode: ExitCode.behind,
    hint: 'Run again to go on where it ended; finished windows are kept. Raise SYNC_MAX_RUNTIME (--max-runtime) when one window takes longer.',
  },
  CANCELLED: {
    retryable: true,
    exitCode: ExitCode.interrupted,
    hint: 'The run was stopped; run again to go on where it ended.',
  },
  LISTEN_FAILED: {
    retryable: false,
    exitCode: ExitCode.usage,
    hint: 'Choose an address that is free and may be listened on with SYNC_LISTEN (--listen), or stop what listens there.',
  },
  OUTPUT_LOST: {
    retryable: true,
    exitCode: ExitCode.tryAgainLater,
    hint: 'The work itself is done and kept; give stdout a place that can be written, then run again.',
  },
  INTERNAL: {
    retryable: false,
    exitCode: ExitCode.windowsFailed,
    hint: 'This is a fault of the worker; please report it with the lines above.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** A failure with a code, the thing it happened on, and a next step. Its message never holds a secret or a signed URL. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Machine-readable particulars for logs and `--json` (never secrets). */
  readonly details: Readonly<Record<string, unknown>>;
  /** The next step, in a sentence: the catalogue's, unless another one is better in the place where it happened. */
  readonly hint: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      details?: Readonly<Record<string, unknown>>;
      hint?: string;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint ?? errorCatalogue[code].hint;
  }

  get retryable(): boolean {
    return errorCatalogue[this.code].retryable;
  }

  get exitCode(): ExitCode {
    return errorCatalogue[this.code].exitCode;
  }
}

/** The same failure in other words: its code and details stay, and so does what is not given; it becomes the cause. */
export function rewordError(
  error: AppError,
  words: { readonly message?: string; readonly hint?: string },
): AppError {
  return new AppError(error.code, words.message ?? error.message, {
    cause: error,
    details: error.details,
    hint: words.hint ?? error.hint,
  });
}

/** Returns `error` itself when it is an {@link AppError}, else wraps it as `INTERNAL` with `cause`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('INTERNAL', message, { cause: error });
}
