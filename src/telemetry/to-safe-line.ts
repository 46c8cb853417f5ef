/** A line of the log may be read on a terminal, and what others wrote may be in it. */

/* oxlint-disable no-control-regex -- control characters are what this file is about. */
/** What JSON leaves as it is: DEL, C1 controls (one of them begins an escape), line separators, and bidi controls (CVE-2021-42574). */
const leftByJson =
  /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\ufeff/g;
/** All that would break a line or begin an escape. */
const breaking = /[\s\u0000-\u001f\u007f-\u009f]+/g;
/* oxlint-enable no-control-regex */
/** JSON's escapes of control characters but of tab and line break, and escaped backslashes, to pass over them. */
const escapes = /\\\\|\\[bfr]|\\u00[01][0-9a-f]|\\u(?:007f|008[0-9a-f]|009[0-9a-f])/gi;

/** The same JSON, with nothing in it but what can be seen: every other character by its escape. */
export function toSafeJson(line: string): string {
  return line.replaceAll(
    leftByJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON whose texts show a control character as its escape also where they are printed as they are. */
export function toPrintableJson(line: string): string {
  return line
    .replaceAll(escapes, (found) => (found === '\\\\' ? found : `\\${found}`))
    .replaceAll(
      leftByJson,
      (character) => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** Plain text on one line: a server's words may hold line breaks, terminal escapes and what turns a line round. */
export function toOneLine(text: string): string {
  return text
    .replaceAll(breaking, ' ')
    .replaceAll(
      leftByJson,
      (character) => `[U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .trim();
}
