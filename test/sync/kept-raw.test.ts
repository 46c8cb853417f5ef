import { describe, expect, test } from 'vitest';
import { toKeptRaw } from '../../src/sync/kept-raw.ts';

const redact = { kinds: ['credentials'], patterns: [] } as const;
const key = ['sk', 'proj', 'aB3dE6gH9j'.repeat(6)].join('-');

describe('the raw text of a row that is set aside', () => {
  test('is kept without its credentials', () => {
    const raw = JSON.stringify({ input: { messages: [{ content: `use ${key}` }] } });
    expect(toKeptRaw(raw, { content: 'all', redact })).toBe(
      raw.replace(key, '[redacted: openai key]'),
    );
  });

  test('is masked before it is cut, so that no part of a key is left at its end', () => {
    for (let over = 0; over < 80; over += 5) {
      const raw = `${'é'.repeat(32 * 1024 - over)} ${key} ${'.'.repeat(60_000)}`;
      const kept = toKeptRaw(raw, { content: 'all', redact }) ?? '';
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(64 * 1024);
      expect(kept).not.toContain('sk-');
    }
  });

  test('is not kept where no text is', () => {
    expect(toKeptRaw('{"input":"x"}', { content: 'off', redact })).toBeNull();
    expect(toKeptRaw(null, { content: 'all', redact })).toBeNull();
  });
});
