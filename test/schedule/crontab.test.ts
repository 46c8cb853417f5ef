import fc from 'fast-check';
import cron from 'node-cron';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import { parseCrontab, type CronLine } from '../../src/shared/crontab.ts';

describe('what is taken', () => {
  test.each([
    ['30 2 * * *', '30 2 * * *'],
    ['  */20   0-6/3 1,15  jan,DEC  *', '0,20,40 0,3,6 1,15 1,12 *'],
    ['0 3 * * mon-fri', '0 3 * * 1,2,3,4,5'],
    ['0 3 * * 5-7', '0 3 * * 0,5,6'],
    ['0 0 29 2 *', '0 0 29 2 *'],
    ['@daily', '0 0 * * *'],
    ['@Weekly', '0 0 * * 0'],
    ['0-59 0-23 1-31 1-12 0-7', '* * * * *'],
  ])('%s', (text, expression) => {
    expect(parseCrontab(text).map((line) => line.expression)).toEqual([expression]);
  });

  test('several lines, comments and empty ones between', () => {
    const lines = parseCrontab('# nights\n30 2 * * 1-5\r\n\n0 4 * * sat,sun\n');
    expect(lines.map(({ line, expression }) => [line, expression])).toEqual([
      [2, '30 2 * * 1,2,3,4,5'],
      [4, '0 4 * * 0,6'],
    ]);
  });
});

describe('what is refused, each with its place', () => {
  test.each([
    ['61 2 * * *', 'line 1, column 1: "61" is no minute'],
    ['30 2 * * mon-tus', 'line 1, column 14: "tus" is no weekday: there are 0 to 7 or sun to sat'],
    ['0 0 * * *\n0 0,24 * * *', 'line 2, column 5: "24" is no hour'],
    ['30 2 * *', 'line 1, column 1: 4 fields where there are five'],
    ['0 30 2 * * *', 'line 1, column 12: 6 fields where there are five'],
    ['*/0 * * * *', 'line 1, column 3: a step must be a whole number from 1 to 59'],
    ['*/x * * * *', 'line 1, column 3: a step'],
    ['5/15 * * * *', 'line 1, column 1: a step needs a range before it: write 5-59/15'],
    ['0 22-2 * * *', 'line 1, column 3: the range ends before it begins: write 22-23,0-2'],
    ['0 2 1 * mon', 'line 1, column 9: a day of the month and a weekday at once'],
    ['0 2 L * *', 'line 1, column 5: "L" is no day of the month'],
    ['0 2 31 feb,apr *', 'line 1, column 5: none of these months has such a day'],
    ['0 2 ? * *', 'line 1, column 5: "?" is no day'],
    [',1 * * * *', 'line 1, column 1: "" is no minute'],
    ['1--2 * * * *', 'line 1, column 1: "1--2" is no minute, range or step'],
    ['@reboot', 'line 1, column 1: @reboot is none of @yearly'],
    ['@daily 2', 'line 1, column 8: nothing may follow @daily'],
    ['# only a comment', 'holds no line'],
    [
      '61 24 * * *',
      'line 1, column 1: "61" is no minute: there are 0 to 59; line 1, column 4: "24"',
    ],
  ])('%j', (text, message) => {
    expect(() => parseCrontab(text)).toThrow(message);
  });
});

const names = {
  months: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  weekdays: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
} as const;

/** One field as people write it. */
function aField(min: number, max: number, words: readonly string[] = []): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const plain = fc.oneof(
    value.map(String),
    value.map((one) => words[one - min] ?? String(one)),
  );
  const range = fc.tuple(value, value).map((ends) => ends.toSorted((a, b) => a - b).join('-'));
  const step = fc.integer({ min: 1, max });
  const stepped = fc.tuple(fc.oneof(fc.constant('*'), range), step).map((both) => both.join('/'));
  return fc.oneof(
    fc.constant('*'),
    fc
      .array(fc.oneof(plain, range, stepped), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join(',')),
  );
}

const aLine = fc
  .tuple(
    aField(0, 59),
    aField(0, 23),
    aField(1, 31),
    aField(1, 12, names.months),
    aField(0, 7, names.weekdays),
    fc.boolean(),
  )
  .map(([minute, hour, day, month, weekday, byDay]) =>
    [minute, hour, byDay ? day : '*', month, byDay ? '*' : weekday].join(' '),
  );

/** The lines, or the fault in words. */
function parse(text: string): { lines: readonly CronLine[]; fault: string } {
  try {
    return { lines: parseCrontab(text), fault: '' };
  } catch (error) {
    return {
      lines: [],
      fault: error instanceof AppError ? `${error.code} ${error.message}` : 'unknown',
    };
  }
}

test('node-cron reads every line that is taken in the same way, as written and as handed over', () => {
  fc.assert(
    fc.property(aLine, (text) => {
      const { lines, fault } = parse(text);
      // A day that its months do not have is the only refusal of what is drawn here.
      expect(fault).toMatch(/^$|none of these months/);
      const [line] = lines;
      if (line === undefined) return;
      for (const expression of [text, line.expression]) {
        const theirs = cron.parse(expression);
        const sorted = (field: readonly unknown[]): unknown[] =>
          [...new Set(field.map(Number))].toSorted((a, b) => a - b);
        expect({
          minutes: sorted(theirs.minute),
          hours: sorted(theirs.hour),
          days: sorted(theirs.dayOfMonth),
          months: sorted(theirs.month),
          weekdays: sorted(theirs.dayOfWeek),
        }).toEqual({
          minutes: line.minutes,
          hours: line.hours,
          days: line.days,
          months: line.months,
          weekdays: line.weekdays,
        });
      }
    }),
    { numRuns: 500 },
  );
});

test('no text makes the parser fail in another way, or take what node-cron refuses', () => {
  const words = fc.array(fc.stringMatching(/^[\d*/,\-a-z@?#L]{1,6}$/), { maxLength: 7 });
  fc.assert(
    fc.property(words, (parts) => {
      const { lines, fault } = parse(parts.join(' '));
      expect(fault).toMatch(/^$|^SETTINGS_INVALID /);
      for (const { expression } of lines) expect(cron.validate(expression)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
