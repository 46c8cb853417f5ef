import type { PrivacyRules } from '../redact/privacy.ts';
import type { Measures } from '../shared/measures.ts';

/** What a report must know of where rows come from and where runs go. */
export interface ReportedSource {
  readonly projectId: string;
  readonly projectName: string | null;
  readonly baseUrl: string;
  /** Address of the page on which MLflow lists the runs; null where it has none that is known. */
  readonly runsPage: string | null;
}

/** What the description of runs must know beside that. */
export interface DescribedSource extends ReportedSource {
  /** Rules by which texts and names are shown. */
  readonly privacy: PrivacyRules;
  /** What is counted beside the catalogue, and which facts count; the state was opened with the same. */
  readonly measures: Measures;
}
