/** A Langfuse project that nobody has sent anything to. */
import type { SampleTraffic } from '../../src/demo/sample-types.ts';

export const emptyTraffic: SampleTraffic = {
  project: { id: 'project-empty', name: 'Empty' },
  seed: 0,
  startMs: 0,
  endMs: 0,
  traces: [],
  observations: [],
  scores: [],
};
