import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { credentialRules } from '../../src/redact/credential-rules.ts';
import { countMarks } from '../../src/redact/mark.ts';
import { maskText, type RedactRules } from '../../src/redact/mask-text.ts';
import { maskValue } from '../../src/redact/mask-value.ts';
import { emailRule, phoneRule } from '../../src/redact/personal-rules.ts';
import { credentials, ordinary } from './corpus.ts';

const rules: RedactRules = { kinds: ['credentials'], patterns: [] };
const personal: RedactRules = { kinds: ['email', 'phone'], patterns: [] };

describe('a credential does not survive', () => {
  test.each(credentials)('%s', (_name, text, secret) => {
    expect(text).toContain(secret);
    const masked = maskText(text, rules);
    expect(masked).not.toContain(secret);
    expect(masked).toMatch(/\[redacted: [a-z ]+\]/);
  });
});

describe('ordinary text is not harmed', () => {
  test.each(ordinary)('%s', (_name, text) => {
    expect(maskText(text, rules)).toBe(text);
  });
});

test('what one set of rules finds nothing in, another still masks, and each masks it every time', () => {
  const text = 'ann@example.com';
  const both: RedactRules = { kinds: ['credentials', 'email'], patterns: [] };
  for (let nth = 0; nth < 3; nth += 1) {
    expect(maskText(text, rules)).toBe(text);
    expect(maskText(text, both)).toBe('[redacted: email]');
  }
});

test('each match is told of, however often the text was masked before', () => {
  let told = 0;
  for (let nth = 0; nth < 3; nth += 1) maskText('ann@example.com', personal, () => (told += 1));
  expect(told).toBe(3);
});

test('the corpus is not small', () => {
  expect(credentials.length).toBeGreaterThanOrEqual(100);
  expect(ordinary.length).toBeGreaterThanOrEqual(70);
});

// The made-up hashes and blobs among the ordinary texts are made of the same characters as the credentials.
const around = ordinary
  .map(([, text]) => text)
  .filter((text) => !credentials.some(([, , secret]) => text.includes(secret)));
const texts = [...credentials.map(([, text]) => text), ...around];
const joined = fc
  .array(fc.constantFrom(...texts), { minLength: 1, maxLength: 6 })
  .chain((parts) =>
    fc.constantFrom('\n', ' ', ' | ', '\n\n').map((between) => parts.join(between)),
  );

test('what surrounds a credential makes no difference, and masking again changes nothing', () => {
  fc.assert(
    fc.property(joined, (text) => {
      const masked = maskText(text, rules);
      expect(maskText(masked, rules)).toBe(masked);
      const survived = credentials.filter(
        ([, whole, secret]) => text.includes(whole) && masked.includes(secret),
      );
      expect(survived.map(([name]) => name)).toEqual([]);
    }),
    { numRuns: 300, seed: 20261128 },
  );
});

describe('text inside JSON inside JSON is masked as well', () => {
  test.each(credentials)('%s', (_name, text, secret) => {
    const once = JSON.stringify({ content: `first\n${text}\n` });
    for (const wrapped of [once, JSON.stringify({ arguments: once })]) {
      const masked = maskText(wrapped, rules);
      expect(masked).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(() => JSON.parse(masked) as unknown).not.toThrow();
    }
  });
});

test('each masked thing is told with its kind', () => {
  const told = new Map<string, number>();
  const text = credentials.map(([, one]) => one).join('\n');
  const masked = maskText(text, rules, (kind) => told.set(kind, (told.get(kind) ?? 0) + 1));
  expect(told).toEqual(countMarks(masked));
  expect([...told.values()].reduce((a, b) => a + b)).toBeGreaterThanOrEqual(credentials.length);
});

test('e-mail addresses and telephone numbers are masked on request only', () => {
  const text =
    'Jane <jane.doe+x@example.co.uk>, +49 30 1234567, (555) 123-4567, 555-123-4567; order 4711-2026, 1732406400, 10.0.0.1';
  expect(maskText(text, rules)).toBe(text);
  expect(maskText(text, personal)).toBe(
    'Jane <[redacted: email]>, [redacted: phone], [redacted: phone], [redacted: phone]; order 4711-2026, 1732406400, 10.0.0.1',
  );
  const harmed = ordinary.filter(([, one]) => maskText(one, personal) !== one);
  // Addresses of ssh look like those of people.
  expect(harmed.map(([name]) => name).toSorted()).toEqual(
    ['a phone number', 'an e-mail', 'an ssh remote'].toSorted(),
  );
});

describe('values', () => {
  test('fields named as credentials are masked whole, and what has none is not copied', () => {
    const value = {
      role: 'tool',
      input: {
        password: 'a b',
        user: 'jane',
        api_key: 'os.environ/X',
        nested: [{ apiKey: 'abcd' }],
      },
    };
    expect(maskValue(value, rules)).toEqual({
      role: 'tool',
      input: {
        password: 'a b',
        user: 'jane',
        api_key: 'os.environ/X',
        nested: [{ apiKey: '[redacted: password]' }],
      },
    });
    const clean = { messages: [{ role: 'user', content: 'hello' }], n: 1, ok: true, none: null };
    expect(maskValue(clean, rules)).toBe(clean);
  });
});

/** Characters that one attempt to match may look at are bounded: no quantifier without an upper end. */
test.each([...credentialRules, emailRule, phoneRule].map((rule) => [rule.kind, rule] as const))(
  'the pattern of %s has no open quantifier',
  (_kind, { pattern }) => {
    const bare = pattern.source
      .replaceAll(/\\[\s\S]/g, 'x')
      .replaceAll(/\[[^\]]*\]/g, 'x')
      .replaceAll(/\(\?(?:<?[=!]|<[a-z]+>|:)/g, '(');
    expect(bare).not.toMatch(/[*+]|\{\d+,\}/);
    expect(pattern.flags).toMatch(/[gy]/);
  },
);

/** A rule that went back over what it has read would need hours for these. */
test('long texts made of the beginnings of every rule end', () => {
  const beginnings = [
    ...new Set(credentialRules.flatMap((rule) => rule.anchors)),
    '-----BEGIN RSA PRIVATE KEY-----',
    'password=',
    'password="',
    'Authorization: Bearer ',
    'a://',
    'eyJaaaaaaaaaaaaaaaa.',
    'eyJ',
    `AKIA${'A'.repeat(16)} `,
    'a@',
    '+49 ',
  ];
  for (const beginning of beginnings) {
    const text = beginning.repeat(Math.ceil(200_000 / beginning.length));
    expect(
      maskText(text, { kinds: ['credentials', 'email', 'phone'], patterns: [] }).length,
    ).toBeGreaterThan(0);
  }
});
