import { describe, expect, test } from 'vitest';
import { parseDay, parseDayOrInstant, parseStart } from '../../src/config/parse-day.ts';
import { durationBetween, parseDuration, renderDuration } from '../../src/config/parse-duration.ts';
import { parseModelAliases } from '../../src/config/parse-model-aliases.ts';
import {
  choiceOf,
  parseBoolean,
  parseFilePath,
  parseList,
  secondsBetween,
  wholeNumberBetween,
} from '../../src/config/parse-simple.ts';
import { dayMs, parseInstant, toInstant } from '../../src/shared/time.ts';

const now = toInstant(Date.UTC(2026, 10, 25, 10, 30));

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['6h', 21_600_000],
    ['3d', 259_200_000],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['30', /no unit; write 30s, 30m, 30h or 30d/],
    ['1.5h', /whole number and a unit/],
    ['-1h', /whole number and a unit/],
    ['5w', /unknown unit "w"/],
    ['6H', /unknown unit "H"/],
    ['', /whole number and a unit/],
    ['99999999999999d', /too large/],
  ])('%j is refused', (text, reason) => {
    expect(() => parseDuration(text)).toThrow(reason);
  });

  test('bounds belong to the range', () => {
    const parse = durationBetween('1s', '10m');
    expect([parse('1s'), parse('10m')]).toEqual([1_000, 600_000]);
    expect(() => parse('0s')).toThrow('must be from 1s to 10m');
    expect(() => parse('11m')).toThrow('must be from 1s to 10m');
  });

  test.each(['90s', '30m', '6h', '3d', '25h', '0s'])('%s is rendered as it was written', (text) => {
    expect(renderDuration(parseDuration(text))).toBe(text);
  });
});

describe('days and instants', () => {
  test('a day is its UTC midnight', () => {
    expect(parseDay('2026-11-24')).toBe(Date.UTC(2026, 10, 24));
    expect(parseDay('2024-02-29')).toBe(Date.UTC(2024, 1, 29));
  });

  test.each(['2026-02-30', '2026-13-01', '2025-02-29', '2026-04-31'])(
    'the calendar has no %s',
    (text) => {
      expect(() => parseDay(text)).toThrow('real UTC day');
      expect(() => parseDayOrInstant(`${text}T00:00Z`)).toThrow('real UTC day');
    },
  );

  test.each(['24.11.2026', '2026-11-24T00:00Z', 'yesterday', ''])('%j is no day', (text) => {
    expect(() => parseDay(text)).toThrow('2026-11-24');
  });

  test('an instant keeps its offset', () => {
    expect(parseDayOrInstant('2026-11-24T06:00:00+09:00')).toBe(
      parseInstant('2026-11-23T21:00:00Z'),
    );
    // The day of an instant is checked where it was written, not in UTC.
    expect(parseDayOrInstant('2026-11-01T00:30+09:00')).toBe(parseInstant('2026-10-31T15:30Z'));
  });

  test('a time without a zone is refused with the correction', () => {
    expect(() => parseDayOrInstant('2026-11-24 06:00')).toThrow('write 2026-11-24T06:00Z for UTC');
  });

  test('a start is a day, an instant or a duration back', () => {
    expect(parseStart('7d', now)).toBe(now - 7 * dayMs);
    expect(parseStart('2026-11-24', now)).toBe(Date.UTC(2026, 10, 24));
    expect(() => parseStart('2026-11-26', now)).toThrow(
      'in the future; it is 2026-11-25T10:30:00.000Z now',
    );
    expect(() => parseStart('1026-11-26', now)).toThrow('before 2023');
    expect(() => parseStart('20261124', now)).toThrow('no unit');
    expect(() => parseStart('99999d', now)).toThrow('before 2023');
  });
});

describe('small values', () => {
  test('a choice suggests the nearest', () => {
    const parse = choiceOf(['auto', 'v2', 'legacy']);
    expect(parse('Legacy')).toBe('legacy');
    expect(() => parse('legcay')).toThrow('must be one of auto, v2, legacy; did you mean legacy?');
    expect(() => parse('v3')).toThrow('did you mean v2?');
    expect(() => parse('something')).toThrow(/^must be one of auto, v2, legacy$/);
  });

  test.each(['0', '65', '4.5', '-1', '1e1', 'four', ''])('%j is no number from 1 to 64', (text) => {
    expect(() => wholeNumberBetween(1, 64)(text)).toThrow('whole number from 1 to 64');
  });

  test('seconds become milliseconds', () => {
    expect(secondsBetween(1, 3600)('120')).toBe(120_000);
    expect(() => secondsBetween(1, 3600)('120s')).toThrow('seconds from 1 to 3600, without a unit');
  });

  test('booleans', () => {
    expect(['true', 'YES', '1', 'on'].map(parseBoolean)).toEqual([true, true, true, true]);
    expect(['false', 'no', '0', 'Off'].map(parseBoolean)).toEqual([false, false, false, false]);
    expect(() => parseBoolean('maybe')).toThrow('must be true or false');
  });

  test('a list drops blanks and repeats', () => {
    expect(parseList(' production, ,staging,production ')).toEqual(['production', 'staging']);
    expect(parseList('')).toEqual([]);
    expect(() => parseList('"production"')).toThrow('write production without them');
  });

  test.each([
    ['sqlite:///x.db', 'write x.db'],
    ['https://host/x', 'not a URL'],
    ['data/', 'not a folder'],
    [':memory:', 'must be a file'],
    ['"x.db"', 'quotes'],
  ])('%s is no file path', (text, reason) => {
    expect(() => parseFilePath(text)).toThrow(reason);
  });
});

describe('model aliases', () => {
  test('pairs and JSON', () => {
    expect(parseModelAliases('a=b, openai/c:1 = d,')).toEqual({ a: 'b', 'openai/c:1': 'd' });
    expect(parseModelAliases('{"a=1,2":"b"}')).toEqual({ 'a=1,2': 'b' });
    expect(parseModelAliases('')).toEqual({});
  });

  test.each([
    ['a', /has "a", which is not from=to/],
    ['a=', /not from=to/],
    ['a=b=c', /not from=to; use JSON/],
    ['a=b,a=c', /both b and c for a/],
    ['{"a":1}', /object of names to names/],
    ['{"a":', /not JSON/],
    ['{"":"b"}', /object of names to names/],
  ])('%s is refused', (text, reason) => {
    expect(() => parseModelAliases(text)).toThrow(reason);
  });

  test('a model named like a property of every object is a name like others', () => {
    expect(Object.entries(parseModelAliases('constructor=x,__proto__=y'))).toEqual([
      ['constructor', 'x'],
      ['__proto__', 'y'],
    ]);
  });
});
