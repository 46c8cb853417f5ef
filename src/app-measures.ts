/** Puts together what the settings file needs: the check of its SQL, and the facts that it lets count. */
import { takenMetricNames } from './metrics/taken-names.ts';
import { buildMeasuredFacts } from './metrics/measured-facts.ts';
import type { MeasureChecks, Measures } from './shared/measures.ts';
import { applyMeasures, countedFacts } from './store/apply-measures.ts';
import { openExpressionCheck, type ExpressionCheck } from './store/check-expression.ts';
import type { State } from './store/open-state.ts';

/** Opens the tables that expressions are tried on when the first one comes. */
export function openMeasureChecks(): Disposable & { readonly checks: MeasureChecks } {
  let opened: ExpressionCheck | null = null;
  return {
    checks: {
      checkSql: (expression) => (opened ??= openExpressionCheck()).check(expression),
      isTakenMetric: (name) => takenMetricNames.has(name),
    },
    [Symbol.dispose]: () => opened?.[Symbol.dispose](),
  };
}

/** From now on the state counts as the settings file says. */
export function measureState(state: State, measures: Measures): void {
  applyMeasures(state, buildMeasuredFacts(measures, countedFacts));
}
