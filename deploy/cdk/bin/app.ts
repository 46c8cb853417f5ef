/** What `cdk` runs: one stack, chosen by context (-c mlflow=app|tracking-server, -c worker=none|ecs|eks). */
import { App } from 'aws-cdk-lib';
import { mlflowKinds, parseChoice, workerKinds } from '../lib/kinds.ts';
import { SyncStack } from '../lib/sync-stack.ts';

const app = new App();
const context = (name: string): unknown => app.node.tryGetContext(name);
new SyncStack(app, 'langfuse-mlflow', {
  mlflow: parseChoice('mlflow', context('mlflow') ?? 'app', mlflowKinds),
  worker: parseChoice('worker', context('worker') ?? 'none', workerKinds),
});
app.synth();
