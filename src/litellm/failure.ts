/**
 * Class and HTTP status of a failed call. LiteLLM writes neither as a field: both are read from the text of
 * its exception, `litellm.RateLimitError: …`. Statuses by class: LiteLLM exceptions.py.
 */
import { own, toFiniteNumber, toRecord, toText } from './coerce.ts';
import type { RowMetadata } from './row-metadata.ts';

export interface Failure {
  readonly errorClass: string;
  readonly httpStatus: number | null;
}

export const unknownErrorClass = '(unknown)';

const statusByClass: ReadonlyMap<string, number> = new Map([
  ['APIConnectionError', 500],
  ['APIResponseValidationError', 500],
  ['AuthenticationError', 401],
  ['BadGatewayError', 502],
  ['BadRequestError', 400],
  ['ContentPolicyViolationError', 400],
  ['ContextWindowExceededError', 400],
  ['ImageFetchError', 400],
  ['InternalServerError', 500],
  ['InvalidRequestError', 400],
  ['NotFoundError', 404],
  ['PermissionDeniedError', 403],
  ['RateLimitError', 429],
  ['RejectedRequestError', 400],
  ['ServiceUnavailableError', 503],
  ['Timeout', 408],
  ['UnprocessableEntityError', 422],
  ['UnsupportedParamsError', 400],
]);

/** Texts of the proxy that carry no class name. */
const classByText: readonly (readonly [RegExp, string])[] = [
  [/budget has been exceeded|ExceededBudget/i, 'BudgetExceededError'],
  [/^authentication error\b/i, 'AuthenticationError'],
  [/no deployments available/i, 'RouterRateLimitError'],
  [/\binvalid model name passed in\b/i, 'ProxyModelNotFoundError'],
];

const classPatterns: readonly RegExp[] = [
  /^\s*(?:[a-z_][\w]*\.)*([A-Z]\w*(?:Error|Exception|Timeout)|Timeout)\b/,
  /^\s*litellm\.(?:[a-z_]\w*\.)*([A-Z]\w*)\s*:/,
  /\blitellm\.(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Timeout)|Timeout)\b/,
];

const statusPatterns: readonly RegExp[] = [
  /\berror code:?\s*(\d{3})\b/i,
  /\bstatus[ _]?code['"]?\s*[:=]?\s*(\d{3})\b/i,
  /\bHTTP(?:\/\d(?:\.\d)?)?\s+(\d{3})\b/,
  /['"]code['"]\s*:\s*['"]?(\d{3})\b/,
  // The proxy's own refusals, FastAPI's `HTTPException`: `400: {'error': …}`.
  /^\s*(\d{3}):\s/,
];

/** What a failure's text says; `metadata` is asked where the text is silent. */
export function toFailure(text: string | null, metadata: RowMetadata | null): Failure {
  const information = metadata === null ? null : toRecord(metadata.get('error_information'));
  const errorClass =
    toClass(text) ??
    toText(own(information, 'error_class')) ??
    toText(metadata?.attribute('error.type', 'exception.type')) ??
    unknownErrorClass;
  const httpStatus =
    toTextStatus(text) ??
    toStatus(own(information, 'error_code')) ??
    toStatus(metadata?.attribute('litellm.provider.error.code', 'http.response.status_code')) ??
    statusByClass.get(errorClass) ??
    null;
  return { errorClass, httpStatus };
}

/** The public model name in the router's addition to an error text, `Received Model Group=…`. */
export function toGroupInErrorText(text: string | null): string | null {
  return toText(/Received Model Group=([^\s\n]+)/.exec(text ?? '')?.[1]);
}

function toClass(text: string | null): string | null {
  if (text === null) return null;
  for (const pattern of classPatterns) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return classByText.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

function toTextStatus(text: string | null): number | null {
  if (text === null) return null;
  for (const pattern of statusPatterns) {
    const status = toStatus(pattern.exec(text)?.[1]);
    if (status !== null) return status;
  }
  return null;
}

function toStatus(value: unknown): number | null {
  const status = toFiniteNumber(value);
  return status !== null && Number.isInteger(status) && status >= 300 && status <= 599
    ? status
    : null;
}
