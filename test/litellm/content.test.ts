import { describe, expect, it } from 'vitest';
import { countToolCalls, withContent } from '../../src/litellm/content.ts';
import { aFailure, aGeneration } from '../support/builders.ts';

const call = { id: 'call-1', type: 'function', function: { name: 'open_file', arguments: '{}' } };

describe('countToolCalls', () => {
  it.each([
    ['chat', { content: null, tool_calls: [call, call] }, 2],
    ['chat without', { content: 'done', tool_calls: null, function_call: null }, 0],
    ['chat, empty', { content: 'done', tool_calls: [] }, 0],
    ['the older single call', { content: null, function_call: { name: 'f', arguments: '{}' } }, 1],
    [
      'Anthropic blocks',
      { role: 'assistant', content: [{ type: 'text', text: 'x' }, { type: 'tool_use' }] },
      1,
    ],
    ['a bare list of blocks', [{ type: 'tool_use' }, { type: 'tool_use' }], 2],
    [
      'the Responses API',
      [{ type: 'reasoning' }, { type: 'function_call' }, { type: 'custom_tool_call' }],
      2,
    ],
    ['results are no calls', [{ type: 'tool_result' }, { type: 'function_call_output' }], 0],
    ['a list of messages', [{ role: 'assistant', tool_calls: [call] }], 1],
    ['a whole chat response', { choices: [{ message: { tool_calls: [call] } }] }, 1],
    ['a whole response', { output: [{ type: 'function_call' }] }, 1],
    ['JSON text', JSON.stringify({ content: null, tool_calls: [call] }), 1],
    ['both forms of one call', { tool_calls: [call], content: [{ type: 'tool_use' }] }, 1],
    ['text', 'no tool_calls here', 0],
  ])('%s', (_, output, calls) => {
    expect(countToolCalls(output)).toBe(calls);
  });

  it.each([
    ['absent', null],
    ['masked', 'redacted-by-litellm'],
    ['too large', '<truncated due to size exceeding limit>'],
    ['cut', '{"content": "a long te...(truncated)'],
  ])('does not know of an output that is %s', (_, output) => {
    expect(countToolCalls(output)).toBeNull();
  });
});

describe('withContent', () => {
  it('leaves tokens that are known', () => {
    const generation = withContent(aGeneration(), { input: 'x', output: { content: 'y' } });
    expect(generation).toEqual(aGeneration({ toolCalls: 0 }));
  });

  it('usage is missing only where something was answered', () => {
    const row = aGeneration({ tokens: null, usageFault: 'missing' });
    const faultWith = (output: unknown) => withContent(row, { input: null, output }).usageFault;
    expect(faultWith({ role: 'assistant', content: 'y' })).toBe('missing');
    expect(faultWith('y')).toBe('missing');
    expect(faultWith([{ type: 'message' }, { content: 'y' }])).toBe('missing');
    expect(faultWith({ role: 'assistant', content: null, tool_calls: null })).toBeNull();
    expect(faultWith({ role: 'assistant', content: '', tool_calls: [] })).toBeNull();
    expect(faultWith([])).toBeNull();
    expect(faultWith('')).toBeNull();
    expect(faultWith(null)).toBeNull();
  });

  it('an error without a status message tells itself in its output', () => {
    const row = aFailure({ statusMessage: null, errorClass: '(unknown)', httpStatus: null });
    const output = 'litellm.ServiceUnavailableError: try later';
    expect(withContent(row, { input: null, output })).toMatchObject({
      statusMessage: output,
      errorClass: 'ServiceUnavailableError',
      httpStatus: 503,
    });
  });

  it('an error with a status message keeps it', () => {
    const row = aFailure();
    expect(withContent(row, { input: null, output: 'litellm.Timeout: x' })).toEqual({
      ...row,
      toolCalls: 0,
    });
  });
});
