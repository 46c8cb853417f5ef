/** The proxies that requests go through, for undici's `EnvHttpProxyAgent`, which also knows the exceptions. */
export interface Proxies {
  /** URLs, with credentials where a proxy asks for them: never logged. Null for none. */
  readonly http: string | null;
  readonly https: string | null;
  /** Comma-separated hosts that are reached without them. */
  readonly exceptions: string;
}

export interface ProxyOptions {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
  readonly proxyTunnel: false;
}

/** Options of the agent; none of them left to it to find in the environment. */
export function toProxyOptions(proxies: Proxies): ProxyOptions {
  return {
    httpProxy: proxies.http ?? '',
    httpsProxy: proxies.https ?? '',
    noProxy: proxies.exceptions,
    // Plain http is handed to the proxy as a request: many refuse a tunnel to other ports than 443.
    proxyTunnel: false,
  };
}
