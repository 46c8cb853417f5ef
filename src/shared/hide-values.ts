/**
 * `text` with every occurrence of the given secret values replaced by `***`, also where they were
 * escaped as JSON.
 */
export function hideValues(text: string, secrets: readonly string[]): string {
  let hidden = text;
  for (const secret of secrets) {
    // A shorter one keeps nobody out, and hiding every "a" would hide the message.
    if (secret.length < 4) continue;
    hidden = hidden.replaceAll(secret, '***');
    const escaped = JSON.stringify(secret).slice(1, -1);
    if (escaped !== secret) hidden = hidden.replaceAll(escaped, '***');
  }
  return hidden;
}
