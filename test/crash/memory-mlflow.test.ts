/** The in-memory MLflow of the crash tests keeps the contract that real servers keep. */
import { describe } from 'vitest';
import { createMemoryMlflow } from '../support/memory-mlflow.ts';
import { declareRunContract } from '../support/mlflow-contract-runs.ts';
import { declareSearchContract } from '../support/mlflow-contract-search.ts';
import type { ContractSubject } from '../support/mlflow-contract-subject.ts';

describe('MLflow in memory', () => {
  const { store, target } = createMemoryMlflow();
  const subject: ContractSubject = {
    target: () => target,
    countPoints: (runId, metric) =>
      Promise.resolve(store.runs.get(runId)?.points.get(metric)?.size ?? 0),
    readArtifact: ({ runId }, path) =>
      Promise.resolve(Buffer.from(store.runs.get(runId)?.artifacts.get(path) ?? 'absent')),
  };
  declareRunContract(subject);
  declareSearchContract(subject);
});
