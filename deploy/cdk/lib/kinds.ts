/** The two forms of managed MLflow: an App (no servers to size) or a tracking server (a fixed version). */
export const mlflowKinds = ['app', 'tracking-server'] as const;
export type MlflowKind = (typeof mlflowKinds)[number];

/** Where the worker runs, if this stack is to care for it. */
export const workerKinds = ['none', 'ecs', 'eks'] as const;
export type WorkerKind = (typeof workerKinds)[number];

export interface Variant {
  readonly mlflow: MlflowKind;
  readonly worker: WorkerKind;
}

/** Every template that the stack can become, in the order of deploy/cloudformation. */
export const variants: readonly Variant[] = mlflowKinds.flatMap((mlflow) =>
  workerKinds.map((worker) => ({ mlflow, worker })),
);

/** `app`, `app-ecs`, `tracking-server-eks`, …: file name in deploy/cloudformation, without its ending. */
export function nameVariant({ mlflow, worker }: Variant): string {
  return worker === 'none' ? mlflow : `${mlflow}-${worker}`;
}

/** Takes a context value (`-c mlflow=app`). Throws an Error that says what is allowed. */
export function parseChoice<Choice extends string>(
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new Error(`-c ${name}=… must be one of ${choices.join(', ')} (not ${String(value)})`);
}
