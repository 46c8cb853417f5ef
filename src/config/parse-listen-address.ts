import { refusal } from './refusal.ts';

/**
 * Parses `127.0.0.1:8080`, `localhost:8080` or `[::1]:8080`; port 0 takes any that is free. Throws AppError
 * SETTINGS_INVALID with the reason alone.
 */
export function parseListenAddress(text: string): { readonly host: string; readonly port: number } {
  if (/^\w+:\/\//.test(text)) throw refusal('must be HOST:PORT, not a URL');
  const [, bracketed, plain, portText] =
    /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) {
    throw refusal(
      'must be HOST:PORT; write 127.0.0.1:8080, or 0.0.0.0:8080 to be reached from elsewhere',
    );
  }
  const port = Number(portText);
  if (port > 65_535) throw refusal('has a port above 65535');
  return { host, port };
}
