import { describe, expect, it } from 'vitest';
import { aFact, aFailedFact } from '../support/a-fact.ts';
import { aContent, answer, assistant, system, user } from './a-content.ts';
import { aTurn, countOf, render, turnOf } from './a-transcript.ts';

describe('a plain session', () => {
  const turns = [
    aTurn(aContent([system('Be an agent.'), user('First question')], answer('First answer'))),
    aTurn(
      aContent(
        [
          system('Be an agent.'),
          user('First question'),
          assistant('First answer'),
          user('Second question'),
        ],
        answer('Second answer'),
      ),
    ),
  ];
  const transcript = render(turns);

  it('shows each message once, in order', () => {
    const texts = [
      'Be an agent.',
      'First question',
      'First answer',
      'Second question',
      'Second answer',
    ];
    const places = texts.map((text) => transcript.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(texts.map((text) => countOf(transcript, text))).toEqual([1, 1, 1, 1, 1]);
  });

  it('says nothing of the history where it only grew', () => {
    expect(turnOf(transcript, 2)).not.toMatch(/turn 1|edited|Continues|same/);
  });

  it('tells time, model, tokens, cost and speed of each turn', () => {
    expect(transcript).toContain('## Turn 1 · 2026-11-24 10:02:41.552 UTC · `claude-sonnet-4-5`');
    expect(transcript).toContain(
      '48,210 tokens in (42,000 from cache, 5,000 written to cache), 912 out (300 reasoning) · $0.0487 · 12.3 s · first token after 1.5 s',
    );
  });

  it('sums up at the top', () => {
    expect(transcript).toContain('# Session `session-1`');
    expect(transcript).toContain(
      '[Open in Langfuse](<https://langfuse.example/project/p/sessions/session-1>)',
    );
    expect(transcript).toContain('- 2 calls in 2 requests, 0 failed');
    expect(transcript).toContain('- tokens: 96,420 in, 1,824 out\n- cost: $0.0974');
  });
});

describe('what is unknown', () => {
  it('is said of a call without usage, cost, times and text', () => {
    const transcript = render([
      aTurn(null, {
        prompt_tokens: null,
        completion_tokens: null,
        total_tokens: null,
        usage_fault: 'missing',
        cost_usd: null,
        cost_source: 'unknown',
        latency_ms: null,
        time_to_first_token_ms: null,
      }),
    ]);
    expect(transcript).toContain('tokens unknown · cost unknown · duration unknown\n');
    expect(transcript).toContain('The text of this call was not read.');
    expect(transcript).toContain('- tokens: unknown\n- cost: unknown\n- text: not read of 1 call');
  });

  it('is counted beside a sum that lacks it', () => {
    const transcript = render([
      aTurn(null),
      aTurn(null, {
        cost_usd: null,
        cost_source: 'unknown',
        total_tokens: null,
        usage_fault: 'missing',
      }),
    ]);
    expect(transcript).toContain('- cost: $0.0487 (without 1 call of which it is unknown)');
    expect(transcript).toMatch(/- tokens: .* \(without 1 call of which it is unknown\)/);
  });

  it('does not take a call that failed for one of unknown usage', () => {
    const transcript = render([aTurn(null), { fact: aFailedFact(), content: null }]);
    expect(transcript).toContain('- tokens: 48,210 in, 912 out\n');
  });

  it('is said of a session without calls', () => {
    expect(render([])).toContain('- no calls');
  });

  it('is said of a missing output and a missing input', () => {
    const transcript = render([
      aTurn(aContent([user('Embed this')], null)),
      aTurn(aContent([], null)),
      aTurn(aContent([], answer('x'), { messages: null })),
    ]);
    expect(turnOf(transcript, 1)).toContain('No output was recorded.');
    expect(turnOf(transcript, 2)).toContain('No input was recorded.');
    expect(turnOf(transcript, 3)).toContain('No input was recorded.');
  });
});

describe('attempts and errors', () => {
  it('tells retries, fallbacks and the error in its place, once', () => {
    const input = [user('q')];
    const text = 'litellm.RateLimitError: limit reached\nsecond line';
    const failed = aFailedFact({
      id: 'a',
      is_final_attempt: 0,
      model: 'gpt-5',
      status_message: text,
    });
    const transcript = render([
      { fact: failed, content: aContent(input, text) },
      {
        fact: aFact({ id: 'b', request_id: failed.request_id }),
        content: aContent(input, answer('ok then')),
      },
    ]);
    expect(turnOf(transcript, 1)).toContain('Another attempt followed.');
    expect(turnOf(transcript, 1)).toContain('**Error** `RateLimitError`, HTTP 429');
    expect(countOf(transcript, 'second line')).toBe(1);
    expect(turnOf(transcript, 2)).toContain('Attempt 2 of its request, after turn 1.');
    expect(turnOf(transcript, 2)).toContain('The same input as in turn 1.');
    expect(transcript).toContain('- 2 calls in 1 request, 1 failed');
  });

  it('does not call a lone later attempt the first', () => {
    const transcript = render([aTurn(null, { request_id: 'trace-1/elsewhere' })]);
    expect(transcript).toContain(
      'A later attempt of a request whose first attempt is not in this transcript.',
    );
  });

  it('tells an error of which no text was read', () => {
    const transcript = render([{ fact: aFailedFact(), content: null }]);
    expect(transcript).toContain('The text of this call was not read.');
    expect(transcript).toContain(
      'litellm.RateLimitError: RateLimitError: OpenAIException - limit reached',
    );
  });
});

describe('what is no ordinary text', () => {
  it('is told of redacted calls, which are no edited history', () => {
    const redacted = aContent([user('redacted-by-litellm')], answer('redacted-by-litellm'));
    const masked = aContent([], 'redacted-by-litellm', {
      messages: null,
      input: 'redacted-by-litellm',
    });
    const transcript = render([aTurn(redacted), aTurn(redacted), aTurn(masked)]);
    expect(turnOf(transcript, 2)).toContain('Input: 1 message, redacted by LiteLLM.');
    expect(turnOf(transcript, 2)).toContain('Answer: redacted by LiteLLM.');
    expect(turnOf(transcript, 3)).toContain('Input: redacted by LiteLLM.');
    expect(transcript).not.toMatch(/edited|same/);
  });

  it('is shown of an input that is no list of messages, once', () => {
    const query = aContent([], answer('x'), { messages: null, input: { query: 'find', top: 3 } });
    const transcript = render([aTurn(query), aTurn(query)]);
    expect(turnOf(transcript, 1)).toContain('```json\n{\n  "query": "find",\n  "top": 3\n}\n```');
    expect(turnOf(transcript, 2)).toContain('**input** (the same message as in turn 1)');
  });

  it('is shown of embedding calls: texts as they are, tokens as one list', () => {
    const transcript = render([
      aTurn(aContent(['passage one', 'passage two'], null)),
      aTurn(aContent([[1, 2], [3]], null)),
    ]);
    expect(turnOf(transcript, 1)).toMatch(
      /\*\*input\*\*\n\n```text\npassage one[\s\S]*passage two/,
    );
    expect(countOf(turnOf(transcript, 2), '```json')).toBe(1);
  });

  it('never shows base64 inline', () => {
    const base64 = 'iVBORw0KGgo'.repeat(100);
    const transcript = render([
      aTurn(
        aContent(
          [
            user([
              { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
              { type: 'image', source: { type: 'base64', media_type: 'image/webp', data: base64 } },
              { type: 'input_audio', input_audio: { data: base64, format: 'wav' } },
              { type: 'text', text: `see data:image/gif;base64,${base64} here` },
              { type: 'strange', blob: base64 },
              {
                type: 'image_url',
                image_url: { url: 'https://host.example/a.png?X-Amz-Signature=abc' },
              },
            ]),
          ],
          answer('nice'),
        ),
      ),
    ]);
    expect(transcript).not.toContain('iVBORw0KGgoiVBOR');
    expect(transcript).not.toContain('Signature');
    expect(transcript).toContain('`[image/png, 825 bytes, not shown]`');
    expect(transcript).toContain('`[image/webp, 825 bytes, not shown]`');
    expect(transcript).toContain('`[wav, 825 bytes, not shown]`');
    expect(transcript).toContain('see [image/gif, 825 bytes, not shown] here');
    expect(transcript).toContain('"blob": "[base64, 825 bytes, not shown]"');
    expect(transcript).toContain('`[image at https://host.example/a.png, query not shown]`');
  });

  it('lists the tools offered, once', () => {
    const rest = {
      tools: [
        { type: 'function', function: { name: 'read' } },
        { name: 'write', input_schema: {} },
      ],
    };
    const transcript = render([
      aTurn(aContent([user('q')], answer('a'), { rest })),
      aTurn(aContent([user('q'), assistant('a'), user('r')], answer('b'), { rest })),
    ]);
    expect(countOf(transcript, 'Tools offered (2): `read`, `write`')).toBe(1);
  });

  it('shows the file that a tool call writes as text', () => {
    const content = `first line\n${'x'.repeat(80)}\nlast "line"`;
    const call = {
      id: 'c1',
      function: { name: 'write', arguments: JSON.stringify({ path: 'a.ts', content }) },
    };
    const transcript = render([
      aTurn(aContent([user('q')], { ...(answer(null) as object), tool_calls: [call] })),
    ]);
    expect(transcript).toContain('"content": "(3 lines, shown below)"');
    expect(transcript).toContain(`\`content\`:\n\n\`\`\`text\n${content}\n\`\`\``);
  });
});

describe('limits', () => {
  it('cuts a message with a mark that counts what is missing', () => {
    const transcript = render([aTurn(aContent([user('x'.repeat(32_345))], answer('a')))]);
    expect(transcript).toContain(
      `${'x'.repeat(20_000)}\n\`\`\`\n\n(… 12,345 characters not shown)`,
    );
    expect(transcript).not.toContain('x'.repeat(20_001));
  });

  it('cuts a message of very many parts', () => {
    const parts = Array.from({ length: 5000 }, (_part, index) => ({
      type: 'text',
      text: `p${index}`,
    }));
    const transcript = render([aTurn(aContent([user(parts)], answer('a')))]);
    expect(transcript).toMatch(/4,\d{3} more parts: \(… [\d,]+ characters not shown\)/);
    expect(transcript.length).toBeLessThan(30_000);
  });

  it('cuts the whole between two blocks, says where, and still sums up every call', () => {
    const turns = Array.from({ length: 50 }, (_turn, index) =>
      aTurn(aContent([user(`question ${index} ${'é'.repeat(400)}`)], answer(`answer ${index}`))),
    );
    const transcript = render(turns, { bytes: 10_000 });
    expect(Buffer.byteLength(transcript)).toBeLessThan(11_000);
    expect(transcript).toContain('- 50 calls in 50 requests');
    expect(transcript).toMatch(
      /\*\*The transcript is cut here\*\* at its limit of 10,000 bytes\. Not shown: the rest of turn \d+ and \d+ more turns\.\n$/,
    );
    expect(countOf(transcript, '```') % 2).toBe(0);
  });
});
