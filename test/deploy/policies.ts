import type { Resource } from './template.ts';

/** One statement of a policy that was filled in. */
export interface FilledStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Document {
  readonly Statement: readonly FilledStatement[];
}

export const listOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** Statements that say what a role may do, of one resource. */
export function permissionsOf(resource: Resource | undefined): readonly FilledStatement[] {
  if (resource === undefined) throw new Error('no such resource');
  const { PolicyDocument, Policies = [] } = resource.Properties as {
    PolicyDocument?: Document;
    Policies?: readonly { PolicyDocument: Document }[];
  };
  const documents = [
    ...(PolicyDocument === undefined ? [] : [PolicyDocument]),
    ...Policies.map((policy) => policy.PolicyDocument),
  ];
  return documents.flatMap(({ Statement }) => Statement);
}

/** Statements that say who may take a role. A document may be JSON as text. */
export function trustOf(role: Resource | undefined): readonly FilledStatement[] {
  const document = role?.Properties['AssumeRolePolicyDocument'];
  if (document === undefined) throw new Error('no such role');
  return ((typeof document === 'string' ? JSON.parse(document) : document) as Document).Statement;
}

/** Whether an IAM resource pattern (`*` for anything) takes in an ARN. */
export function covers(pattern: string, arn: string): boolean {
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.at(-1) ?? '';
  if (rest.length === 0) return pattern === arn;
  if (rest.length > 1) throw new Error(`more than one * in ${pattern}`);
  return arn.startsWith(start) && arn.endsWith(end) && arn.length >= start.length + end.length;
}
