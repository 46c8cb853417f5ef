/**
 * Text as a person may see it. Everything that comes from Langfuse was written by others: it may hold
 * terminal escapes, invisible characters that reorder a line, or halves of characters.
 */

/* oxlint-disable no-control-regex -- control characters are what this file is about. */
const lineBreaks = /\r\n?|[\u0085\u2028\u2029]/g;
/** CSI sequences (colours, cursor moves). Their parameters are digits and `;:<=>?`, so no text is lost with them. */
const csiSequences = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]/g;
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/* oxlint-enable no-control-regex */
/** Characters that change the direction of what stands around them (Unicode UAX #9; CVE-2021-42574). */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * `text` with `\n` as its only line break and without control characters but tab; colour codes are dropped,
 * of other terminal escapes the text stays. A bidi control shows as `[U+202E]`, a lone surrogate as U+FFFD.
 */
export function toVisibleText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(lineBreaks, '\n')
    .replaceAll(csiSequences, '')
    .replaceAll(controls, '')
    .replaceAll(directionMarks, toCodePointMark);
}

/** {@link toVisibleText} on one line: every run of white space is one space, none at the ends. */
export function toVisibleLine(text: string): string {
  return toVisibleText(text).replaceAll(/\s+/g, ' ').trim();
}

function toCodePointMark(character: string): string {
  return `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;
}
