import type { CallCount } from './run-report.ts';

/** Counts the requests of a run by API and status. */
export interface CallMeter {
  /** Null: no answer came. */
  readonly add: (api: CallCount['api'], status: number | null) => void;
  readonly read: () => CallCount[];
}

export function createCallMeter(): CallMeter {
  const counts = new Map<string, CallCount>();
  return {
    add: (api, code) => {
      const status = code === null ? 'none' : String(code);
      const key = `${api} ${status}`;
      const calls = (counts.get(key)?.calls ?? 0) + 1;
      counts.set(key, { api, status, calls });
    },
    read: () => [...counts.values()],
  };
}
