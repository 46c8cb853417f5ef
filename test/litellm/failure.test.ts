import { describe, expect, it } from 'vitest';
import { toFailure } from '../../src/litellm/failure.ts';
import { understand } from './understand.ts';

describe('class and status of a failure', () => {
  it.each([
    ['litellm.RateLimitError: RateLimitError: OpenAIException - limit', 'RateLimitError', 429],
    ['litellm.exceptions.BadRequestError: nope', 'BadRequestError', 400],
    ['litellm.Timeout: APITimeoutError - Request timed out', 'Timeout', 408],
    ['Timeout: gave up', 'Timeout', 408],
    ['litellm.llms.openai.common_utils.OpenAIError: Error code: 401', 'OpenAIError', 401],
    ['litellm.APIError: APIError: status_code=529 overloaded', 'APIError', 529],
    ['litellm.APIError: odd', 'APIError', null],
    ['litellm.BadRequestError: {"error": {"code": "422"}}', 'BadRequestError', 422],
    ['Error code: 429 - slow down', '(unknown)', 429],
    ['HTTP/1.1 502 Bad Gateway', '(unknown)', 502],
    ['Authentication Error, Invalid proxy server token passed', 'AuthenticationError', 401],
    ['Budget has been exceeded! Current cost: 3, Max budget: 2', 'BudgetExceededError', null],
    ['No deployments available for selected model', 'RouterRateLimitError', null],
    ['something went wrong after 500 tokens', '(unknown)', null],
    ['', '(unknown)', null],
    [null, '(unknown)', null],
  ])('%j is %s, %j', (text, errorClass, httpStatus) => {
    expect(toFailure(text, null)).toEqual({ errorClass, httpStatus });
  });

  it('asks the metadata where the text is silent', () => {
    const span = {
      scope: { name: 'litellm' },
      attributes: { 'error.type': 'RateLimitError', 'litellm.provider.error.code': '430' },
    };
    const row = { level: 'ERROR', statusMessage: null };
    expect(understand({ ...row, metadata: span })).toMatchObject({
      errorClass: 'RateLimitError',
      httpStatus: 430,
    });
    const information = {
      error_information: { error_class: 'Timeout', error_code: '504' },
      hidden_params: null,
    };
    expect(understand({ ...row, metadata: information })).toMatchObject({
      errorClass: 'Timeout',
      httpStatus: 504,
    });
  });

  it('a success has neither, whatever its status message says', () => {
    expect(understand({ statusMessage: 'litellm.Timeout: no' })).toMatchObject({
      errorClass: null,
      httpStatus: null,
      isError: false,
    });
  });

  it('the text of an error names the public model where the metadata is lost', () => {
    const generation = understand({
      level: 'ERROR',
      model: null,
      metadata: {},
      usageDetails: {},
      statusMessage:
        'litellm.Timeout: x. Received Model Group=gpt-5-mini\nAvailable Model Group Fallbacks=None',
    });
    expect(generation).toMatchObject({ model: 'gpt-5-mini', modelGroup: 'gpt-5-mini' });
  });

  it('keeps 4,000 characters of the text', () => {
    const { statusMessage } = understand({ level: 'ERROR', statusMessage: 'x'.repeat(5_000) });
    expect(statusMessage).toHaveLength(4_000);
  });
});
