/** The keys that AWS's own chain finds, for tests that open their clients in this process. */
import { vi } from 'vitest';

/** Null for nothing at all. Undone by `vi.unstubAllEnvs()`. */
export function useKeys(
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string } | null,
): void {
  const nowhere = '/nonexistent';
  vi.stubEnv('AWS_CONFIG_FILE', nowhere);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', nowhere);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_ACCESS_KEY_ID', keys?.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys?.secretAccessKey);
}
