/** Texts of calls in the form in which MLflow shows them as a chat. Pure. */
import type { TraceText } from '../shared/trace.ts';

/** An answer that is a bare message becomes the answer of a chat API, which MLflow shows as a bubble. */
export function toSpanText(text: TraceText): TraceText {
  const { inputs, outputs } = text;
  const isMessage = isRecord(outputs) && typeof outputs['role'] === 'string';
  return { inputs, outputs: isMessage ? { choices: [{ index: 0, message: outputs }] } : outputs };
}

/** What was asked last, as text; null where nothing is known. */
export function toQuestionText(inputs: unknown): string | null {
  if (isRecord(inputs) && Array.isArray(inputs['messages'])) {
    const messages = (inputs['messages'] as unknown[]).filter(isRecord);
    const asked = messages.findLast((message) => message['role'] === 'user') ?? messages.at(-1);
    return asked === undefined ? null : toText(asked['content']);
  }
  return toText(inputs);
}

export function toAnswerText(outputs: unknown): string | null {
  if (isRecord(outputs) && 'content' in outputs) {
    const said = toText(outputs['content']);
    return said === null || said === '' ? toText(outputs['tool_calls'] ?? null) : said;
  }
  return toText(outputs);
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const texts = value
      .filter(isRecord)
      .flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
    if (texts.length > 0) return texts.join('\n');
  }
  return JSON.stringify(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
