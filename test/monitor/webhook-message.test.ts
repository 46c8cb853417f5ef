import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideMessage, type Outcome } from '../../src/monitor/webhook-message.ts';

const codes = ['LANGFUSE_AUTH', 'MLFLOW_UNREACHABLE', 'QUARANTINED'] as const;

function outcome(exitCode: number, faults: readonly string[] = []): Outcome {
  return {
    command: 'sync',
    exitCode,
    experiment: 'litellm-monitoring',
    faults: faults.map((code) => ({ code, message: `what of ${code}`, next: 'Look.' })),
  };
}

test('a fault is told once, another one beside it too, and the end of both once', () => {
  const nights = [
    outcome(0),
    outcome(2, ['LANGFUSE_AUTH']),
    outcome(2, ['LANGFUSE_AUTH']),
    outcome(4, ['QUARANTINED', 'QUARANTINED', 'LANGFUSE_AUTH']),
    outcome(2, ['LANGFUSE_AUTH']),
    outcome(0),
    outcome(0),
    outcome(2, ['LANGFUSE_AUTH']),
  ];
  let told: readonly string[] = [];
  const texts = nights.map((night) => {
    const decision = decideMessage(night, told);
    told = decision.told;
    return decision.text;
  });
  expect(texts).toEqual([
    null,
    'langfuse-mlflow sync (experiment litellm-monitoring) ended with exit code 2.\nLANGFUSE_AUTH: what of LANGFUSE_AUTH Next: Look.',
    null,
    'langfuse-mlflow sync (experiment litellm-monitoring) ended with exit code 4.\nQUARANTINED: what of QUARANTINED Next: Look.',
    null,
    'langfuse-mlflow sync (experiment litellm-monitoring) works again; before: LANGFUSE_AUTH, QUARANTINED.',
    null,
    expect.stringContaining('ended with exit code 2'),
  ]);
});

test('whatever happens, there are no more messages than faults and recoveries', () => {
  const night = fc.oneof(
    fc.constant(outcome(0)),
    fc.constant(outcome(143)),
    fc.subarray([...codes], { minLength: 1 }).map((faults) => outcome(4, faults)),
  );
  fc.assert(
    fc.property(fc.array(night, { maxLength: 40 }), (nights) => {
      let told: readonly string[] = [];
      let messages = 0;
      let recoveries = 0;
      for (const one of nights) {
        const decision = decideMessage(one, told);
        if (decision.text !== null) messages += 1;
        if (decision.text?.includes('works again') === true) recoveries += 1;
        told = decision.told;
      }
      expect(messages).toBeLessThanOrEqual((recoveries + 1) * codes.length + recoveries);
    }),
  );
});

test('a stop is neither a fault nor the end of one', () => {
  for (const code of [130, 143]) {
    expect(decideMessage(outcome(code, ['CANCELLED']), ['LANGFUSE_AUTH'])).toEqual({
      text: null,
      told: ['LANGFUSE_AUTH'],
    });
  }
});

test("a server's words call no channel, make no link, and stay short", () => {
  const faults = [
    { code: 'X', message: `<!channel> <http://x|y> &\n${'a'.repeat(9000)}`, next: '' },
  ];
  const { text } = decideMessage({ ...outcome(4), faults }, []);
  expect(text).toContain('&lt;!channel&gt; &lt;http://x|y&gt; &amp; aaa');
  expect(text?.length).toBeLessThan(800);
});
