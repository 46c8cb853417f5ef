import { hideValues } from '../shared/hide-values.ts';

/**
 * Takes the given secrets, whatever follows `Basic` or `Bearer`, and the signature of a presigned link
 * out of a line that is about to be written. The last line of defence: nothing that holds a secret is
 * meant to reach the log.
 */
export function hideSecrets(line: string, secrets: readonly string[]): string {
  return hideValues(line, secrets)
    .replaceAll(/\b(Basic|Bearer) [\w+/=.~-]+/gi, '$1 ***')
    .replaceAll(
      /([?&](?:authToken|X-Amz-(?:Signature|Credential|Security-Token))=)[^&\s"\\]+/gi,
      '$1***',
    );
}
