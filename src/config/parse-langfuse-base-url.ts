import { bareUrl, parseHttpUrl } from './parse-http-url.ts';
import { refusal } from './refusal.ts';

/**
 * Parses the base URL of a Langfuse server, without a slash at its end. A base path is kept
 * (self-hosted servers may have one: NEXT_PUBLIC_BASE_PATH); a path of the API or of a page is refused.
 */
export function parseLangfuseBaseUrl(text: string): string {
  const url = parseHttpUrl(withoutApiQuery(text), {
    credentials: 'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY',
  });
  const isCloud = /(^|\.)cloud\.langfuse\.com$/.test(url.hostname);
  if (/^(www\.)?langfuse\.com$/.test(url.hostname)) {
    throw refusal(
      'is the website; write https://cloud.langfuse.com, or https://us.cloud.langfuse.com for the US region',
    );
  }
  if (isCloud && url.protocol === 'http:') {
    throw refusal(`would send the keys unencrypted; write https://${url.host}`);
  }
  const [, basePath, tail] =
    /^(.*?)\/(api|project|auth|organization)(\/.*)?$/.exec(url.pathname) ?? [];
  if (tail !== undefined || url.pathname.endsWith('/api')) {
    throw refusal(
      `goes past the base URL (the worker adds /api/public by itself); write ${bareUrl(url, basePath)}`,
    );
  }
  return bareUrl(url);
}

/** A link copied from the browser has both a page and a query; the page is the better reason. */
function withoutApiQuery(text: string): string {
  return /\/(api|project|auth|organization)\//.test(text) ? text.replace(/[?#].*$/, '') : text;
}
