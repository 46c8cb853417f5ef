import { nearest } from './nearest.ts';
import { stripQuotes } from './parse-simple.ts';
import { refusal } from './refusal.ts';

/**
 * Parses the base URL of a server: http or https, no credentials, no query, no fragment.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone and, where the meaning is plain, the exact
 * correction. `credentials` says in which settings a user name and password belong.
 */
export function parseHttpUrl(text: string, { credentials }: { credentials: string }): URL {
  const bare = stripQuotes(text);
  if (bare !== text) {
    const meant = /^[a-z]+:/i.test(bare) ? bare : `https://${bare}`;
    throw refusal(`has quotes left in it; write ${meant} without them`);
  }
  if (/\s/.test(text)) throw refusal('holds a space or a line break; write the URL alone');
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) throw refusal(missingScheme(text));
  if (!/^https?$/i.test(scheme)) {
    const meant = nearest(scheme, ['https', 'http']);
    throw refusal(
      meant === null
        ? `must begin with https:// or http://, not ${scheme}://`
        : `begins with ${scheme}://; write ${meant}://${rest}`,
    );
  }
  if (!URL.canParse(text)) throw refusal('is not a URL; write https://host or https://host:port');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw refusal(
      `holds a user name or password; write ${bareUrl(url)} and put them in ${credentials}`,
    );
  }
  if (url.hash !== '' || url.search !== '') {
    throw refusal(
      `is a link to a page (it has ${url.search === '' ? '#' : '?'}); write ${bareUrl(url)}`,
    );
  }
  return url;
}

/** `https://host:port/path` without credentials, query, fragment or slashes at its end. */
export function bareUrl(url: URL, path = url.pathname): string {
  return `${url.protocol}//${url.host}${path.replace(/\/+$/, '')}`;
}

function missingScheme(text: string): string {
  // `https:/host`, `https//host` and `http:host` all happen.
  const [, scheme, mangled] = /^(https?)(?::\/?|\/+)(.+)$/i.exec(text) ?? [];
  if (scheme !== undefined && mangled !== undefined) {
    return `lacks :// after ${scheme}; write ${scheme.toLowerCase()}://${mangled}`;
  }
  const host = text.replace(/^\/+/, '');
  const isLocal = /^(127\.|0\.0\.0\.0|\[::1\]|[^.]+$)/.test(host.replace(/[:/].*$/, ''));
  return `must begin with https:// or http://; write ${isLocal ? 'http' : 'https'}://${host}`;
}
