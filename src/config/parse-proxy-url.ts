import { refusal } from './refusal.ts';

/**
 * Parses the URL of a proxy as other programs take it: `http://host:3128`, with a user name and a password where it
 * asks for them; without a scheme it is http. Throws AppError SETTINGS_INVALID with the reason alone.
 */
export function parseProxyUrl(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) throw refusal('is not a URL; write http://host:port');
  const url = new URL(withScheme);
  if (!/^https?:$/.test(url.protocol)) {
    throw refusal(`must begin with http:// or https://, not ${url.protocol}//`);
  }
  return url.href;
}
