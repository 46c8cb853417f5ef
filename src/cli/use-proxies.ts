import { toProxyOptions, type Proxies } from '../shared/proxies.ts';

/** Sends every `fetch` of this process through the proxies: those of the Langfuse SDK and of the smoke test. */
export async function useProxies(proxies: Proxies | null): Promise<void> {
  if (proxies === null) return;
  // Loaded here, so that a command without a proxy does not pay for it.
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici');
  setGlobalDispatcher(new EnvHttpProxyAgent(toProxyOptions(proxies)));
}
