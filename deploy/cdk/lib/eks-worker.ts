import { CfnOutput, CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import { CfnRole } from 'aws-cdk-lib/aws-iam';

/** A role for one service account of one EKS cluster (IRSA): no other pod may take it. */
export function addEksWorker(stack: Stack, workerPolicyArn: string): void {
  const provider = new CfnParameter(stack, 'OidcProviderArn', {
    description: "ARN of the cluster's OIDC provider in IAM.",
    allowedPattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$',
  });
  const name = { allowedPattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' };
  const namespace = new CfnParameter(stack, 'KubernetesNamespace', {
    ...name,
    description: 'Namespace of the worker.',
    default: 'langfuse-mlflow',
  });
  const account = new CfnParameter(stack, 'KubernetesServiceAccount', {
    ...name,
    description: 'Service account of the worker.',
    default: 'langfuse-mlflow',
  });
  // As text, since CloudFormation fills in values but no names, and the issuer is part of a name here.
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: '${OidcProviderArn}' },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            '${Issuer}:aud': 'sts.amazonaws.com',
            '${Issuer}:sub':
              'system:serviceaccount:${KubernetesNamespace}:${KubernetesServiceAccount}',
          },
        },
      },
    ],
  });
  const role = new CfnRole(stack, 'WorkerRole', {
    description: 'langfuse-mlflow: what the worker itself may do',
    assumeRolePolicyDocument: Fn.sub(trust, {
      Issuer: Fn.select(1, Fn.split(':oidc-provider/', provider.valueAsString)),
    }),
    managedPolicyArns: [workerPolicyArn],
  });
  new CfnOutput(stack, 'WorkerRoleArn', {
    description: "Value of the service account's annotation eks.amazonaws.com/role-arn.",
    value: role.attrArn,
  });
  new CfnOutput(stack, 'WorkerServiceAccount', {
    description: 'NAMESPACE/NAME of the one service account that may take the role.',
    value: `${namespace.valueAsString}/${account.valueAsString}`,
  });
}
