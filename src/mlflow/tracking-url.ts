/** The tracking URI of a server, taken apart: its base, and the credentials that may hide in it. */
import { AppError } from '../shared/errors.ts';

export interface TrackingUrl {
  /** Without credentials and without a slash at the end of its path. */
  readonly base: URL;
  /** The same as text, for messages. */
  readonly text: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Parses an http(s) tracking URI. Throws SETTINGS_INVALID; the message never repeats the URI, which may
 * hold a password.
 */
export function parseTrackingUrl(uri: string): TrackingUrl {
  let base: URL;
  try {
    base = new URL(uri.trim());
  } catch {
    throw new AppError('SETTINGS_INVALID', 'MLFLOW_TRACKING_URI is not a URL.');
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new AppError('SETTINGS_INVALID', 'MLFLOW_TRACKING_URI is not an http or https URL.');
  }
  if (base.search !== '' || base.hash !== '') {
    throw new AppError(
      'SETTINGS_INVALID',
      'MLFLOW_TRACKING_URI must be the address of the server alone, without ? or # and what follows (a link copied from the browser is not one).',
    );
  }
  const username = decodeUserInfo(base.username);
  const password = decodeUserInfo(base.password);
  base.username = '';
  base.password = '';
  base.pathname = base.pathname.replace(/\/+$/, '');
  return { base, text: base.href.replace(/\/+$/, ''), username, password };
}

function decodeUserInfo(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** By RFC 3986, over which a signature is made: %20 and not +, and no character left alone that it reserves. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `path` below `base`, which keeps its own path (a server behind a prefix); `path` is percent-encoded already. */
export function toUrl(base: URL, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${path}`;
  const pairs = Object.entries(query).map(([key, value]) => `${key}=${encodeStrictly(value)}`);
  url.search = pairs.join('&');
  return url;
}
