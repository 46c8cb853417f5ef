/**
 * Takes the given secrets, whatever follows `Basic` or `Bearer`, and the signature of a presigned link
 * out of a line that is about to be written. The last line of defence: nothing that holds a secret is
 * meant to reach the log.
 */
export function hideSecrets(line: string, secrets: readonly string[]): string {
  let hidden = line;
  for (const secret of secrets) {
    // A shorter one would hide half of the log; it would not keep anybody out either.
    if (secret.length < 4) continue;
    hidden = hidden.replaceAll(secret, '***');
    const escaped = JSON.stringify(secret).slice(1, -1);
    if (escaped !== secret) hidden = hidden.replaceAll(escaped, '***');
  }
  return hidden
    .replaceAll(/\b(Basic|Bearer) [\w+/=.~-]+/gi, '$1 ***')
    .replaceAll(
      /([?&](?:authToken|X-Amz-(?:Signature|Credential|Security-Token))=)[^&\s"\\]+/gi,
      '$1***',
    );
}
