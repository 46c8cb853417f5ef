import type { Clock } from '../shared/clock.ts';
import type { Proxies } from '../shared/proxies.ts';

export interface BackupSettings {
  readonly bucket: string;
  readonly key: string;
  /** Null: the region of the AWS profile. */
  readonly region: string | null;
  /** URL of another S3 than AWS's; buckets are then named in the path. */
  readonly endpoint: string | null;
  /** Absent or null for none. */
  readonly proxies?: Proxies | null | undefined;
  /** The credentials of the run; left out, the usual chain of AWS alone. */
  readonly credentials?: BackupCredentials | undefined;
  /** Where the state file is, or will be restored to. */
  readonly stateFile: string;
  /** Who holds the lease, for messages: host and process id. */
  readonly holder: string;
  readonly clock: Clock;
  /** Told in a sentence of what was restored, kept or has to be tried again. */
  readonly onNotice: (message: string) => void;
  /** How long a lease lasts after its last renewal. */
  readonly leaseMs: number;
  /** How often a copy is written while a run goes on. */
  readonly intervalMs: number;
}

export interface BackupCredentials {
  /** As the AWS SDK takes it; asked for each request. */
  readonly provider: () => Promise<{
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  }>;
  /** Told that S3 does not take them; what is asked for next is got anew. */
  readonly refresh: () => void;
}

export const defaultLeaseMs = 120_000;
export const defaultIntervalMs = 10 * 60_000;
