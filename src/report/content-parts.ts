/** The blocks of a message's content, in every dialect that LiteLLM passes on, as parts of one kind. */
import { toMediaNote, withoutInlineMedia } from './media-note.ts';
import { renderJson } from './shown-json.ts';
import { isRecord, pick, pickText, toDecoded, type UnknownRecord } from './untrusted.ts';

export type Part =
  | { readonly kind: 'text' | 'reasoning' | 'refusal'; readonly text: string }
  | {
      readonly kind: 'tool_call';
      readonly id: string | null;
      readonly name: string | null;
      /** Decoded JSON where it is JSON, else the text as the model wrote it. */
      readonly arguments: unknown;
    }
  | {
      readonly kind: 'tool_result';
      readonly id: string | null;
      readonly name: string | null;
      readonly isError: boolean;
      readonly text: string;
    }
  | { readonly kind: 'media'; readonly note: string }
  /** A block of no known kind, as JSON text. */
  | { readonly kind: 'other'; readonly json: string };

/** Results hold blocks that may hold results; deeper than this nothing real goes. */
const maxDepth = 6;

/** Parts of `content`: a string, a list of blocks, one block, or null for none. Blank text is no part. */
export function toParts(content: unknown, depth = 0): Part[] {
  if (content === null || content === undefined) return [];
  if (depth > maxDepth) return [{ kind: 'other', json: renderJson(content) }];
  if (Array.isArray(content)) return content.flatMap((block) => toBlockParts(block, depth));
  return toBlockParts(content, depth);
}

/** A call by its name and arguments (`{name, arguments}` of OpenAI; the text is JSON unless the model erred). */
export function toToolCall(call: {
  readonly id: string | null;
  readonly name: string | null;
  readonly arguments: unknown;
}): Part {
  return { kind: 'tool_call', ...call, arguments: toDecoded(call.arguments) };
}

/** A result of a tool, whatever its content is made of. */
export function toToolResult(
  result: {
    readonly id: string | null;
    readonly name: string | null;
    readonly isError: boolean;
    readonly content: unknown;
  },
  depth = 0,
): Part {
  const { content, ...rest } = result;
  const text = toParts(content, depth + 1)
    .map(toPartText)
    .join('\n');
  return { kind: 'tool_result', ...rest, text };
}

/** A part as plain text. */
export function toPartText(part: Part): string {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
    case 'refusal':
      return part.text;
    case 'tool_call':
      return `[tool call ${part.name ?? '(no name)'}(${toArgumentsText(part.arguments)})]`;
    case 'tool_result':
      return part.text;
    case 'media':
      return part.note;
    case 'other':
      return part.json;
  }
}

/** Arguments as the text that was sent, or JSON on one line. */
export function toArgumentsText(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return withoutInlineMedia(value);
  return renderJson(value).replaceAll(/\n\s*/g, ' ');
}

function toBlockParts(block: unknown, depth: number): Part[] {
  if (block === null || block === undefined) return [];
  if (typeof block === 'string') return toTextParts('text', block);
  if (!isRecord(block)) return [{ kind: 'other', json: renderJson(block) }];
  return toKnownParts(block, depth) ?? [{ kind: 'other', json: renderJson(block) }];
}

/** Null for a block of no known kind. */
function toKnownParts(block: UnknownRecord, depth: number): Part[] | null {
  const type = pickText(block, 'type');
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
    case 'summary_text': {
      const text = pick(block, 'text');
      return typeof text === 'string' ? toTextParts('text', text) : null;
    }
    case 'thinking':
    case 'reasoning':
    case 'reasoning_text':
      return toTextParts('reasoning', pickText(block, 'thinking', 'reasoning', 'text') ?? '');
    case 'redacted_thinking':
      return [{ kind: 'reasoning', text: '(encrypted by the provider)' }];
    case 'refusal':
      return toTextParts('refusal', pickText(block, 'refusal', 'text') ?? '');
    case 'tool_use':
    case 'server_tool_use':
    case 'tool-call':
      return [
        toToolCall({
          id: pickText(block, 'id', 'toolCallId'),
          name: pickText(block, 'name', 'toolName'),
          arguments: pick(block, 'input', 'args'),
        }),
      ];
    case 'tool_result':
    case 'web_search_tool_result':
    case 'tool-result':
      return [
        toToolResult(
          {
            id: pickText(block, 'tool_use_id', 'toolCallId'),
            name: pickText(block, 'toolName'),
            isError: pick(block, 'is_error', 'isError') === true,
            content: pick(block, 'content', 'output', 'result'),
          },
          depth,
        ),
      ];
    case 'image_url':
    case 'input_image':
    case 'image':
    case 'input_audio':
    case 'audio':
    case 'video_url':
    case 'document':
    case 'file':
    case 'input_file':
    case 'media':
      return [{ kind: 'media', note: toBlockNote(block, type) }];
    case null:
      return toUntypedParts(block, depth);
    default:
      return null;
  }
}

/** Blocks of Gemini (`text`, `inlineData`, `functionCall`) and Bedrock Converse (`toolUse`, `toolResult`). */
function toUntypedParts(block: UnknownRecord, depth: number): Part[] | null {
  const text = pick(block, 'text');
  if (typeof text === 'string') return toTextParts('text', text);
  const call = pick(block, 'toolUse', 'functionCall', 'function_call');
  if (isRecord(call)) {
    return [
      toToolCall({
        id: pickText(call, 'toolUseId', 'id'),
        name: pickText(call, 'name'),
        arguments: pick(call, 'input', 'args', 'arguments'),
      }),
    ];
  }
  const result = pick(block, 'toolResult', 'functionResponse', 'function_response');
  if (isRecord(result)) {
    return [
      toToolResult(
        {
          id: pickText(result, 'toolUseId', 'id'),
          name: pickText(result, 'name'),
          isError: pick(result, 'status') === 'error',
          content: pick(result, 'content', 'response'),
        },
        depth,
      ),
    ];
  }
  const media = pick(block, 'inlineData', 'inline_data', 'fileData', 'image', 'document');
  return isRecord(media) ? [{ kind: 'media', note: toBlockNote(media, 'file') }] : null;
}

/** Where a media block keeps its source differs by dialect; the first string found is it. */
function toBlockNote(block: UnknownRecord, type: string): string {
  const name = type.replace(/^input_/, '').replace(/_url$/, '');
  const places = [
    'image_url',
    'video_url',
    'input_audio',
    'source',
    'file',
    'media',
    'audio',
    'image',
  ];
  const inner = pick(block, ...places);
  const holder = isRecord(inner) ? inner : block;
  const source = typeof inner === 'string' ? inner : pickText(holder, ...sourceKeys);
  return toMediaNote({
    type: pickText(holder, 'media_type', 'mimeType', 'mime_type', 'format') ?? name,
    source,
  });
}

const sourceKeys = [
  'url',
  'data',
  'file_data',
  'fileUri',
  'file_url',
  'file_id',
  'filename',
] as const;

function toTextParts(kind: 'text' | 'reasoning' | 'refusal', text: string): Part[] {
  return text.trim() === '' ? [] : [{ kind, text: withoutInlineMedia(text) }];
}
