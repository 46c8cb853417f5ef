import { expect, test } from 'vitest';
import { parseMarker, toMarker } from '../../src/smoke/marker.ts';

test('a marker tells the second in which it was made', () => {
  const nowMs = Date.parse('2026-11-29T10:11:12.987Z');
  const marker = toMarker({ nowMs, random: '5e84c7e5a70c' });
  expect(marker).toBe('smoke-20261129T101112Z-5e84c7e5a70c');
  expect(parseMarker(marker)).toBe(Date.parse('2026-11-29T10:11:12Z'));
});

test.each([
  '',
  'smoke-2026-11-25-5e84c7e5a70c',
  'smoke-20261340T101112Z-0a',
  'x smoke-20261129T101112Z-0a',
])('refuses %j', (text) => {
  expect(() => parseMarker(text)).toThrow(/is not the name of a smoke/);
});
