/** `toGeneration` for tests that expect a generation. */
import { toGeneration } from '../../src/litellm/to-generation.ts';
import type { Generation, UnderstandingRules } from '../../src/litellm/generation.ts';
import type { Observation } from '../../src/shared/observation.ts';
import { anObservation, understandingRules } from '../support/builders.ts';

/** The generation of {@link anObservation} with `fields`; throws where it is not counted. */
export function understand(
  fields: Partial<Observation> = {},
  rules: Partial<UnderstandingRules> = {},
): Generation {
  const understanding = toGeneration(anObservation(fields), understandingRules(rules));
  if (understanding.kind === 'not_counted') throw new Error(`not counted: ${understanding.reason}`);
  return understanding.generation;
}

/** Why {@link anObservation} with `fields` is not counted, or null where it is. */
export function notCountedReason(
  fields: Partial<Observation> = {},
  rules: Partial<UnderstandingRules> = {},
): string | null {
  const understanding = toGeneration(anObservation(fields), understandingRules(rules));
  return understanding.kind === 'not_counted' ? understanding.reason : null;
}
