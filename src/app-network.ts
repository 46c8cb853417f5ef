import type { Surroundings } from './app.ts';
import type { Proxies } from './shared/proxies.ts';

/** Null where no proxy is set. */
export function toProxies(around: Pick<Surroundings, 'settings' | 'secrets'>): Proxies | null {
  const { httpProxy: http, httpsProxy: https } = around.secrets;
  if (http === null && https === null) return null;
  return { http, https, exceptions: around.settings.network.noProxy ?? '' };
}
