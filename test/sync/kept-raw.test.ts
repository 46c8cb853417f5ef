import { describe, expect, test } from 'vitest';
import type { PrivacyRules } from '../../src/redact/privacy.ts';
import { toKeptRaw } from '../../src/sync/kept-raw.ts';

const all: PrivacyRules = {
  text: { kind: 'all' },
  redact: { kinds: ['credentials'], patterns: [] },
  maxTextBytes: null,
  hashed: { kinds: [], key: null },
};
const key = ['sk', 'proj', 'aB3dE6gH9j'.repeat(6)].join('-');

describe('the raw text of a row that is set aside', () => {
  test('is kept without its credentials', () => {
    const raw = JSON.stringify({ input: { messages: [{ content: `use ${key}` }] } });
    expect(toKeptRaw(raw, all)).toBe(raw.replace(key, '[redacted: openai key]'));
  });

  test('is masked before it is cut, so that no part of a key is left at its end', () => {
    for (let over = 0; over < 80; over += 5) {
      const raw = `${'é'.repeat(32 * 1024 - over)} ${key} ${'.'.repeat(60_000)}`;
      const kept = toKeptRaw(raw, all) ?? '';
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(64 * 1024);
      expect(kept).not.toContain('sk-');
    }
  });

  test('is not kept where no text is', () => {
    expect(toKeptRaw('{"input":"x"}', { ...all, text: { kind: 'off' } })).toBeNull();
    expect(toKeptRaw(null, all)).toBeNull();
  });
});
