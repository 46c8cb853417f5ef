import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setEnvLines } from '../../src/gateway/set-env-lines.ts';

const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/team';

test.each([
  ['', `URI=${arn}\n`],
  ['A=1', `A=1\nURI=${arn}`],
  ['A=1\r\n', `A=1\r\nURI=${arn}\r\n`],
  ['# URI=x\nURI=old # note\nB=2\n', `# URI=x\nURI=${arn}\nB=2\n`],
  ['URI=first\n export URI = old\n', `URI=first\n export URI =${arn}\n`],
  [`URI="${arn}" # same\nMY_URI=1\n`, `URI="${arn}" # same\nMY_URI=1\n`],
])('%j', (before, after) => {
  expect(setEnvLines(before, { URI: arn })).toBe(after);
  expect(setEnvLines(after, { URI: arn })).toBe(after);
});

test('any value without a line end, as Node reads it back', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\w #=$"'/:.-]{1,12}$/), (text) => {
      const value = text.trim();
      fc.pre(value !== '' && !(value.includes('"') && value.includes("'")));
      const edited = setEnvLines('A="x y"\nN=old\n', { N: value });
      expect(parseEnv(edited)).toEqual({ A: 'x y', N: value });
      expect(setEnvLines(edited, { N: value })).toBe(edited);
    }),
  );
});
