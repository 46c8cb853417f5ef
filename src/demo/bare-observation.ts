/** What a row says of which nothing is known but where it is. */
import type { SampleTruth } from './sample-types.ts';

const notCounted: SampleTruth = {
  kind: 'other',
  requestId: null,
  tokens: null,
  costUsd: null,
  sessionId: null,
  latencyMs: null,
  timeToFirstTokenMs: null,
};

/** The fields of an observation of which nothing is told, and which is no call. */
export const bareObservation = {
  version: null,
  completionStartMs: null,
  level: 'DEFAULT',
  statusMessage: null,
  model: null,
  modelParameters: null,
  usageDetails: {},
  costDetails: {},
  promptName: null,
  promptVersion: null,
  input: null,
  output: null,
  matchedModel: null,
  truth: notCounted,
} as const;
