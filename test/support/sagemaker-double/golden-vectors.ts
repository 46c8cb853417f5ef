/** Requests that AWS's own client signed: made with botocore, with made-up keys. */
import { readFileSync } from 'node:fs';

export interface GoldenVector {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly service: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string | null;
  readonly auth: string;
  readonly amzdate: string;
  readonly sha: string;
}

export const goldenVectors = JSON.parse(
  readFileSync(new URL('../../fixtures/sagemaker/sigv4-golden.json', import.meta.url), 'utf8'),
) as readonly GoldenVector[];

/** What all of them were signed with and when; the session token is each one's own. */
export const goldenKey = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
export const goldenMs = Date.UTC(2026, 0, 2, 3, 4, 5);
