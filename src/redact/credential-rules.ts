/** Credentials that their surroundings give away: headers, tokens, connection strings, signed links, assignments. */
import { providerKeys } from './provider-keys.ts';
import { isMixed, looksRandom, type RedactRule } from './rule.ts';

/** What stands where a credential would, and is none. */
const placeholder =
  /^(?:\[redacted:|redacted|masked|hidden|omitted|os\.environ|process\.env|env[.:]|secrets?\.|vault:|ref\+|x{3,}$|\*{3,}|\.{3,}|<|\$|%|\{|#|your[_-]|my[_-]|example|dummy|fake|placeholder|change[_-]?me$|todo$)/i;

const typeName =
  /^(?:string|str|text|password|bytes?|number|int(?:eger)?|bool(?:ean)?|object|array|any|unknown|never|null|nil|none|undefined|true|false|optional|required|secretstr|self|this|default|input|value|empty|blank|hidden|invalid|incorrect|missing|wrong|expired|forbidden|unauthorized)\W{0,3}$/i;

/** A sentence of a form or an error, such as `password: "Enter your password"`. */
const prose =
  /\s.{0,200}\b(?:pass(?:word|phrase)|secret|token|key|enter|your|is|are|must|the|to|for|of|and|or|with|required|not)\b|^(?:enter|please|your|the|invalid|a|an|missing|no)\s/i;

/** Code that names where a secret comes from: `config.password`, `getPassword(…`. */
const code = /^[A-Za-z_$][A-Za-z0-9_$-]{0,64}(?:[?!]?\.[A-Za-z_$]|\()/;

/** Whether a text behind a name such as `password` is one, and no placeholder, type or sentence. */
export function isSecretValue(value: string): boolean {
  if (value.length < 4 || placeholder.test(value) || typeName.test(value)) return false;
  return !(value.length < 256 && prose.test(value));
}

/** The last words of the names that a credential is written behind, and what must stand before them. */
const nameEnds = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  '(?<=(?:api|access|account|shared|master|private|secret|signing|encryption|auth|client|salt)[_-]?(?:access[_-]?)?)key',
  '(?<=(?:auth|access|refresh|api|bearer|session|id|security|private)[_-]?)token',
].join('|');
const nameAnchors = ['pass', 'pwd', 'secret', 'key', 'token'];

/** The whole name of a field whose value is a credential: `password`, `OPENAI_API_KEY`, `x-api-key`, `dbPassword`. */
const secretField = new RegExp(`^[A-Za-z0-9_.-]{0,64}(?:${nameEnds})$`, 'i');

export function isSecretField(name: string): boolean {
  return name.length <= 128 && secretField.test(name);
}

/** `password = "…"`, `"password": "…"`, also where the quotes are escaped. */
const quotedAssignment: RedactRule = {
  kind: 'password',
  anchors: nameAnchors,
  ignoresCase: true,
  pattern: new RegExp(
    `(?<before>(?:${nameEnds})(?:\\\\{0,31}["'\`])?\\s{0,3}(?:=>|:=|[:=])\\s{0,3}\\\\{0,31}["'\`])(?<secret>[^"'\`\\\\\\n\\r]{4,4096})(?=\\\\{0,31}["'\`])`,
    'iy',
  ),
  accepts: (secret) => isSecretValue(secret),
};

/** `DB_PASSWORD=…`, `password: …`, `?api_key=…`; a bare word is one only where nothing but a value can stand. */
const bareAssignment: RedactRule = {
  kind: 'password',
  anchors: nameAnchors,
  ignoresCase: true,
  pattern: new RegExp(
    `(?<before>(?:${nameEnds})\\s{0,3}(?:=>|:=|[:=])\\s{0,3})(?<secret>[^\\s"'\`\\\\,;&<>(){}\\[\\]|]{6,1024})(?=[\\s"'\`\\\\,;&<>)}\\]|]|$)`,
    'iy',
  ),
  accepts: (secret, before) => {
    if (!isSecretValue(secret) || code.test(secret)) return false;
    if (/\d/.test(secret) || /[^A-Za-z0-9_.:/-]/.test(secret))
      return !/^v?\d+(?:\.\d+){1,3}$/.test(secret);
    return /[A-Z]=$/.test(before);
  },
};

const authorization: RedactRule = {
  kind: 'authorization',
  anchors: ['authorization'],
  ignoresCase: true,
  pattern:
    /(?<before>authorization\\{0,31}["'`]?\s{0,3}[:=]\s{0,3}\\{0,31}["'`]?(?:(?:bearer|basic|token|apikey|digest)\s{1,3})?)(?<secret>[A-Za-z0-9._~+/=:-]{6,8192})/iy,
  accepts: (secret) =>
    isSecretValue(secret) && !/^(?:bearer|basic|token|apikey|digest|header)$/i.test(secret),
};

const bearer: RedactRule = {
  kind: 'bearer token',
  anchors: ['bearer '],
  ignoresCase: true,
  needsEdge: true,
  pattern: new RegExp(`(?<before>bearer\\s{1,3})(?<secret>[A-Za-z0-9._~+/=-]{7,8192})`, 'iy'),
  accepts: (secret) => /\d/.test(secret) && !placeholder.test(secret),
};

const basic: RedactRule = {
  kind: 'basic authorization',
  anchors: ['basic '],
  ignoresCase: true,
  needsEdge: true,
  pattern: new RegExp(
    `(?<before>basic\\s{1,3})(?<secret>[A-Za-z0-9+/]{10,1024}={0,2})(?![A-Za-z0-9+/_-])`,
    'iy',
  ),
  accepts: (secret) =>
    secret.endsWith('=') || (secret.length % 4 === 0 && secret.length >= 16 && isMixed(secret)),
};

const jwt: RedactRule = {
  kind: 'jwt',
  anchors: ['eyJ'],
  needsEdge: true,
  pattern: new RegExp(
    `(?<secret>eyJ[A-Za-z0-9_-]{12,16384}\\.[A-Za-z0-9_-]{0,65536}\\.[A-Za-z0-9_-]{0,65536}(?:\\.[A-Za-z0-9_-]{0,65536}\\.[A-Za-z0-9_-]{0,65536})?)`,
    'y',
  ),
};

/** `postgres://user:password@host`, `https://user:token@host`. */
const urlPassword: RedactRule = {
  kind: 'password in url',
  anchors: ['://'],
  pattern:
    /(?<before>(?<=[A-Za-z0-9]):\/\/[^\s:/?#@"'`<>\\]{0,256}:)(?<secret>[^\s/?#@"'`<>\\]{1,512})(?<after>@)/y,
  accepts: (secret) => !placeholder.test(secret),
};

/** The signature of a presigned link, and tokens among its query parameters. */
const signedUrl: RedactRule = {
  kind: 'signature in url',
  anchors: ['?', '&', '%26', '%3F'],
  pattern:
    /(?<before>(?:[?&]|&amp;|%26|%3F)(?:X-Amz-(?:Signature|Security-Token|Credential)|X-Goog-(?:Signature|Credential)|Signature|sig|authToken|auth|token|access_token|id_token|refresh_token|x-api-key|apikey|api-key|api_key|key)(?:=|%3D))(?<secret>[A-Za-z0-9._~+/=%-]{8,8192})/iy,
  accepts: (secret) => looksRandom(secret) && !placeholder.test(secret),
};

const cookie: RedactRule = {
  kind: 'cookie',
  anchors: ['cookie'],
  ignoresCase: true,
  pattern: new RegExp(
    `(?<before>cookie\\\\{0,31}["'\`]?\\s{0,3}:\\s{0,3}\\\\{0,31}["'\`]?[A-Za-z0-9_.-]{1,128}=)(?<secret>[^\\s;"'\`\\\\]{8,4096})`,
    'iy',
  ),
  accepts: (secret) => !placeholder.test(secret),
};

/** All rules of the kind `credentials`, in the order in which they are tried. */
export const credentialRules: readonly RedactRule[] = [
  ...providerKeys,
  jwt,
  urlPassword,
  signedUrl,
  authorization,
  bearer,
  basic,
  cookie,
  quotedAssignment,
  bareAssignment,
];
