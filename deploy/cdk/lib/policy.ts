import { Aws, type Fn } from 'aws-cdk-lib';

/** One statement of a policy, or what CloudFormation makes one of. */
export type Statement = Readonly<Record<string, unknown>> | ReturnType<typeof Fn.conditionIf>;

export function policyDocument(statements: readonly Statement[]): Record<string, unknown> {
  return { Version: '2012-10-17', Statement: [...statements] };
}

/** Lets one AWS service take a role, and only on behalf of this account (no confused deputy). */
export function trustService(
  service: string,
  conditions: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return policyDocument([
    {
      Effect: 'Allow',
      Principal: { Service: service },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID }, ...conditions },
    },
  ]);
}

/** ARN of something in the region and account of the stack. */
export function localArn(service: string, resource: string): string {
  return `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
}
