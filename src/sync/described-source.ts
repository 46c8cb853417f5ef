/** What the description of runs must know of where rows come from and where runs go. */
export interface DescribedSource {
  readonly projectId: string;
  readonly projectName: string | null;
  readonly baseUrl: string;
  /** Address of the page on which MLflow lists the runs; null where it has none that is known. */
  readonly runsPage: string | null;
}
