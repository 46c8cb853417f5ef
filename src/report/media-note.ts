/**
 * Images and files are told, never shown. Langfuse's SDK replaces a base64 data URI by a reference,
 * `@@@langfuseMedia:type=…|id=…|source=…@@@`; without media storage the data URI stays in the text.
 */
import { toCount } from '../runs/note.ts';
import { headOf } from './cut-text.ts';
import { toVisibleLine } from './visible-text.ts';

const reference = /@@@langfuseMedia:([^@]{1,500})@@@/g;
const dataUri =
  /data:([\w.+-]{1,60}\/[\w.+-]{1,80})?(?:;[\w=.-]{1,60}){0,4};base64,([A-Za-z0-9+/_-]{16,}={0,2})/g;
const wholeDataUri = /^data:([^;,]{0,140})([^,]{0,200}),/;
const wrappedBase64 = /^[A-Za-z0-9+/_\s-]{64,}={0,2}\s*$/;
/** Longer than any identifier or hash: only binary data looks like this. */
const bareBase64 = /^[A-Za-z0-9+/_-]{512,}={0,2}$/;
const maxNoteLength = 120;

/** `text` with every media reference and data URI inside replaced by a note. */
export function withoutInlineMedia(text: string): string {
  return text
    .replaceAll(reference, (_match, fields: string) => toReferenceNote(fields))
    .replaceAll(dataUri, (_match, type: string | undefined, base64: string) =>
      toDataNote(type ?? 'file', base64),
    );
}

/** {@link withoutInlineMedia}; a string that is nothing but long base64 is also a note. */
export function withoutBinary(text: string): string {
  return bareBase64.test(text) ? toDataNote('base64', text) : withoutInlineMedia(text);
}

/**
 * One line for an image, a sound or a file that is given by its URL, data URI, media reference or bare base64.
 * `type` is what the writer calls it. Of a URL neither query nor fragment is shown: it may be signed.
 */
export function toMediaNote(media: {
  readonly type: string;
  readonly source: string | null;
}): string {
  const { type, source } = media;
  if (source === null || source === '') return `[${toName(type)}]`;
  const inner = withoutInlineMedia(source);
  if (inner !== source && inner.startsWith('[') && inner.endsWith(']')) return inner;
  const uri = wholeDataUri.exec(source);
  if (uri) return toUriNote(uri[1] === '' ? type : (uri[1] ?? type), source, uri);
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(source) && URL.canParse(source)) {
    const url = new URL(source);
    const place = `${url.protocol}//${url.host}${url.pathname}`;
    const left = url.search === '' && url.hash === '' ? '' : ', query not shown';
    return `[${toName(type)} at ${toName(place)}${left}]`;
  }
  return wrappedBase64.test(source)
    ? toDataNote(type, source.replaceAll(/\s/g, ''))
    : `[${toName(type)} ${toName(source)}]`;
}

function toUriNote(type: string, source: string, uri: RegExpExecArray): string {
  const body = source.slice(uri[0].length);
  return uri[2]?.endsWith(';base64') === true
    ? toDataNote(type, body)
    : `[${toName(type)}, ${toCount(body.length)} characters, not shown]`;
}

function toReferenceNote(fields: string): string {
  const values = new Map(
    fields.split('|').map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  return `[${toName(values.get('type') ?? 'media')}, Langfuse media ${toName(values.get('id') ?? 'without id')}]`;
}

function toDataNote(type: string, base64: string): string {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  const bytes = Math.max(0, Math.floor((base64.length * 3) / 4) - padding);
  return `[${toName(type)}, ${toCount(bytes)} bytes, not shown]`;
}

function toName(text: string): string {
  const line = toVisibleLine(text);
  return line.length > maxNoteLength ? `${headOf(line, maxNoteLength)}…` : line;
}
