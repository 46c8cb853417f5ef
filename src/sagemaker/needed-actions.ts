import type { ManagedEndpoint } from './managed-endpoint.ts';

/** IAM actions by the end of a path of MLflow's REST API. */
const actions: Readonly<Record<string, string>> = {
  'artifacts/list': 'ListArtifacts',
  'experiments/create': 'CreateExperiment',
  'experiments/get': 'GetExperiment',
  'experiments/get-by-name': 'GetExperimentByName',
  'experiments/search': 'SearchExperiments',
  'experiments/set-experiment-tag': 'SetExperimentTag',
  'metrics/get-history': 'GetMetricHistory',
  'runs/create': 'CreateRun',
  'runs/delete': 'DeleteRun',
  'runs/delete-tag': 'DeleteTag',
  'runs/get': 'GetRun',
  'runs/log-batch': 'LogBatch',
  'runs/log-metric': 'LogMetric',
  'runs/log-parameter': 'LogParam',
  'runs/restore': 'RestoreRun',
  'runs/search': 'SearchRuns',
  'runs/set-tag': 'SetTag',
  'runs/update': 'UpdateRun',
  traces: 'StartTrace',
  'traces/delete-traces': 'DeleteTraces',
  'traces/search': 'SearchTraces',
};

/**
 * What IAM must allow for a request to `url`: the action of the call, and for an App the one that is the door to all.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
 */
export function toNeededActions(endpoint: ManagedEndpoint, url: URL): string {
  const [, path = ''] = /\/api\/\d\.\d\/mlflow\/(.+)$/.exec(url.pathname) ?? [];
  const action = Object.hasOwn(actions, path) ? `sagemaker-mlflow:${actions[path]}` : null;
  if (endpoint.service !== 'sagemaker') return action ?? endpoint.actions;
  return action === null ? endpoint.actions : `${endpoint.actions} and ${action}`;
}
