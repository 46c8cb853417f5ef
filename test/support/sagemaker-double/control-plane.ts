/** SageMaker's API on loopback (AWS JSON 1.1): signatures are checked, statuses move on with each look at them. */
import { listen, toJsonAnswer, type Answer } from './http.ts';
import { verifySignature, type KnownKey, type SignedRequest } from './verify-signature.ts';

export interface ControlDouble extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_SAGEMAKER`. */
  readonly url: string;
  readonly keys: Map<string, KnownKey>;
  /** Operations in order, such as `StartMlflowTrackingServer`. */
  readonly seen: readonly string[];
  readonly servers: Map<string, ServerState>;
  readonly apps: Map<string, AppState>;
  /** Apps on one page of the list. */
  pageSize: number;
  /** Operations that IAM does not allow. */
  readonly denied: Set<string>;
  /** The next calls are throttled. */
  throttle(times: number): void;
}

export interface ServerState {
  status: string;
  /** What follows, one a look; the last stays. */
  next: string[];
  /** Statuses that a start or a stop goes through. */
  onStart: string[];
  onStop: string[];
}

export interface AppState {
  readonly arn: string;
  readonly status: string;
}

type Input = Readonly<Record<string, string | undefined>>;

export const controlKeys = { accessKeyId: 'AKIATESTADMIN', secretAccessKey: 'secret-of-an-admin' };
export const accountArn = 'arn:aws:sagemaker:us-east-1:123456789012';

export async function startControlDouble(): Promise<ControlDouble> {
  const keys = new Map<string, KnownKey>([
    [controlKeys.accessKeyId, { secretAccessKey: controlKeys.secretAccessKey }],
  ]);
  const servers = new Map<string, ServerState>([
    [
      'team-mlflow',
      {
        status: 'Created',
        next: [],
        onStart: ['Starting', 'Starting', 'Started'],
        onStop: ['Stopping', 'Stopping', 'Stopped'],
      },
    ],
  ]);
  const apps = new Map<string, AppState>([
    ['team-app', { arn: `${accountArn}:mlflow-app/app-AAAABBBBCCCC`, status: 'Created' }],
  ]);
  const seen: string[] = [];
  const denied = new Set<string>();
  let throttled = 0;
  const server = await listen((request) => Promise.resolve(answer(request)));

  function answer(request: SignedRequest): Answer {
    const operation = (request.headers['x-amz-target'] ?? '').replace('SageMaker.', '');
    seen.push(operation);
    const verdict = verifySignature(request, {
      service: 'sagemaker',
      region: 'us-east-1',
      keys,
      nowMs: Date.now(),
      mustSign: ['x-amz-target', 'content-type'],
    });
    if (!verdict.ok) return refuse(verdict.code, verdict.message);
    if (throttled > 0) {
      throttled -= 1;
      return refuse('ThrottlingException', 'Rate exceeded');
    }
    const input = JSON.parse(Buffer.from(request.body).toString()) as Input;
    if (denied.has(operation))
      return refuse(
        'AccessDeniedException',
        `User: arn:aws:iam::123456789012:user/worker is not authorized to perform: sagemaker:${operation} on resource: ${input['TrackingServerName'] ?? input['Arn'] ?? '*'}`,
      );
    return operation.includes('App') ? answerApp(operation, input) : answerServer(operation, input);
  }

  function answerServer(operation: string, input: Input): Answer {
    const name = input['TrackingServerName'] ?? '';
    const state = servers.get(name);
    if (state === undefined)
      return refuse('ResourceNotFound', `Tracking Server ${name} does not exist.`);
    const arn = `${accountArn}:mlflow-tracking-server/${name}`;
    switch (operation) {
      case 'DescribeMlflowTrackingServer': {
        state.status = state.next.shift() ?? state.status;
        const isActive = ['Created', 'Started', 'Updated', 'MaintenanceComplete'].includes(
          state.status,
        );
        return ok({
          TrackingServerArn: arn,
          TrackingServerName: name,
          TrackingServerStatus: state.status,
          IsActive: isActive ? 'Active' : 'Inactive',
          TrackingServerUrl: 'https://t-abcdefgh.us-east-1.experiments.sagemaker.aws',
          MlflowVersion: '3.0.0',
          TrackingServerSize: 'Small',
          ArtifactStoreUri: 's3://mlflow-artifacts/team',
          RoleArn: 'arn:aws:iam::123456789012:role/mlflow',
          WeeklyMaintenanceWindowStart: 'Tue:03:30',
          CreationTime: 1_767_323_045,
          LastModifiedTime: 1_767_323_045,
        });
      }
      case 'StartMlflowTrackingServer':
        return change(state, { from: ['Stopped', 'StartFailed'], to: state.onStart, arn });
      case 'StopMlflowTrackingServer':
        return change(state, {
          from: ['Created', 'Started', 'Updated', 'StopFailed'],
          to: state.onStop,
          arn,
        });
      case 'CreatePresignedMlflowTrackingServerUrl':
        return ok({
          AuthorizedUrl: `https://t-abcdefgh.us-east-1.experiments.sagemaker.aws/auth?authToken=once-${seen.length}`,
        });
      default:
        return refuse('UnknownOperationException', '');
    }
  }

  function answerApp(operation: string, input: Input): Answer {
    if (operation === 'ListMlflowApps') {
      const from = Number(input['NextToken'] ?? 0);
      const to = from + double.pageSize;
      return ok({
        Summaries: [...apps].slice(from, to).map(([name, app]) => ({
          Name: name,
          Arn: app.arn,
          Status: app.status,
        })),
        ...(to < apps.size ? { NextToken: String(to) } : {}),
      });
    }
    const [name, app] = [...apps].find(([, { arn }]) => arn === input['Arn']) ?? [];
    if (app === undefined) return refuse('ResourceNotFound', 'The app does not exist.');
    if (operation === 'CreatePresignedMlflowAppUrl')
      return ok({
        AuthorizedUrl: `https://mlflow.sagemaker.us-east-1.app.aws/auth?authToken=once-${seen.length}`,
      });
    return ok({
      Arn: app.arn,
      Name: name,
      Status: app.status,
      MlflowVersion: '3.10',
      ArtifactStoreUri: 's3://mlflow-artifacts/app',
      CreationTime: 1_767_323_045,
    });
  }

  const double: ControlDouble = {
    url: server.url,
    keys,
    seen,
    pageSize: 100,
    servers,
    apps,
    denied,
    throttle: (times) => {
      throttled = times;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return double;
}

function change(
  state: ServerState,
  move: { readonly from: readonly string[]; readonly to: readonly string[]; readonly arn: string },
): Answer {
  if (!move.from.includes(state.status))
    return refuse(
      'ValidationException',
      `Tracking server is currently in status ${state.status}, which does not allow this.`,
    );
  const [first = state.status, ...next] = move.to;
  state.status = first;
  state.next = next;
  return ok({ TrackingServerArn: move.arn });
}

function ok(body: unknown): Answer {
  return toJsonAnswer(200, body, 'application/x-amz-json-1.1');
}

function refuse(type: string, message: string): Answer {
  return toJsonAnswer(400, { __type: type, message }, 'application/x-amz-json-1.1');
}
