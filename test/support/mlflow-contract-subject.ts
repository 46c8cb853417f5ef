/** What the contract of the Target port is checked on, and what its tests make. */
import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { RunRef, StoredRun, Target } from '../../src/sync/ports.ts';

export interface ContractSubject {
  /** The target under test; opened once for the suite. */
  readonly target: () => Target;
  /** How many points MLflow has of a metric. */
  readonly countPoints: (runId: string, metric: string) => Promise<number>;
  /** The bytes of an artifact, however they are stored. */
  readonly readArtifact: (run: RunRef, path: string) => Promise<Buffer>;
  /** Whether artifacts in S3 are within its reach; left out for no. */
  readonly reachesS3?: boolean;
}

export const startMs = Date.UTC(2026, 10, 24);
export const noParams = {};
export const noTags = {};

export function aKey(name: string): string {
  return createHash('md5').update(name).digest('hex');
}

export function anExperimentName(): string {
  return `contract ${randomUUID()}`;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface MadeRun {
  readonly target: Target;
  readonly experimentId: string;
  readonly key: string;
  readonly run: RunRef;
}

export interface ContractHelpers {
  /** A new run in an experiment of its own. */
  readonly aRun: (options?: {
    name?: string;
    key?: string;
    tags?: Record<string, string>;
  }) => Promise<MadeRun>;
  readonly readBack: (runId: string) => Promise<StoredRun>;
}

export function createContractHelpers(subject: ContractSubject): ContractHelpers {
  return {
    async aRun(options = {}) {
      const target = subject.target();
      const { experimentId } = await target.ensureExperiment(anExperimentName());
      const key = options.key ?? aKey(randomUUID());
      const tags = { 'langfuse_mlflow.key': key, ...options.tags };
      const run = await target.createRun({
        experimentId,
        name: options.name ?? 'a run',
        startMs,
        tags,
      });
      return { target, experimentId, key, run };
    },
    async readBack(runId) {
      const run = await subject.target().getRun(runId);
      expect(run).not.toBeNull();
      return run as StoredRun;
    },
  };
}
