/** The head of a transcript: what the session was, in sums over its calls. */
import { toCount, toUsd } from '../runs/note.ts';
import type { Fact } from '../store/fact.ts';
import { toCounted } from './counted.ts';
import { renderCodeSpan, renderLink } from './markdown-fence.ts';
import { toReadableTime } from './turn-heading.ts';

const mostModels = 10;

export interface SessionSums {
  add(fact: Fact): void;
  /** Lines of Markdown. */
  render(session: {
    readonly sessionId: string;
    readonly url: string;
    /** Calls whose text was not read. */
    readonly textMissing: number;
    /** Of which calls text is kept, as it is set. */
    readonly textMode: string;
    /** What was masked in the text that is shown, by kind. */
    readonly masked: ReadonlyMap<string, number>;
  }): string[];
}

export function createSessionSums(): SessionSums {
  const models = new Set<string>();
  const requests = new Set<string>();
  const sums = { attempts: 0, failed: 0, withTokens: 0, input: 0, output: 0, costUsd: 0 };
  const unknown = { tokens: 0, cost: 0 };
  let firstMs: number | null = null;
  let lastMs: number | null = null;

  const toRows = (told: {
    readonly textMissing: number;
    readonly textMode: string;
    readonly masked: ReadonlyMap<string, number>;
  }): string[] => {
    if (firstMs === null || lastMs === null) return ['- no calls'];
    const shown = [...models].slice(0, mostModels).map(renderCodeSpan).join(', ');
    const more = models.size > mostModels ? ` and ${toCount(models.size - mostModels)} more` : '';
    const isTokensKnown = sums.withTokens > 0;
    const isCostKnown = unknown.cost < sums.attempts;
    return [
      `- ${toReadableTime(firstMs)} to ${toReadableTime(lastMs)}`,
      `- ${toCounted(sums.attempts, 'call')} in ${toCounted(requests.size, 'request')}, ${toCount(sums.failed)} failed`,
      `- models: ${shown}${more}`,
      `- tokens: ${isTokensKnown ? `${toCount(sums.input)} in, ${toCount(sums.output)} out` : 'unknown'}${without(isTokensKnown ? unknown.tokens : 0)}`,
      `- cost: ${isCostKnown ? toUsd(sums.costUsd) : 'unknown'}${without(isCostKnown ? unknown.cost : 0)}`,
      ...(told.textMissing === 0 ? [] : [toMissingRow(told.textMissing, told.textMode)]),
      ...(told.masked.size === 0
        ? []
        : [
            `- masked: ${[...told.masked].map(([kind, count]) => `${toCount(count)} × ${kind}`).join(', ')}`,
          ]),
    ];
  };

  return {
    add: (fact) => {
      models.add(fact.model);
      requests.add(fact.request_id);
      sums.attempts += 1;
      sums.failed += fact.is_error;
      sums.input += fact.prompt_tokens ?? 0;
      sums.output += fact.completion_tokens ?? 0;
      sums.costUsd += fact.cost_usd ?? 0;
      sums.withTokens += Number(fact.total_tokens !== null);
      // A call that failed used none; only a missing usage is an unknown one.
      unknown.tokens += Number(fact.usage_fault === 'missing');
      unknown.cost += Number(fact.cost_usd === null);
      const endMs = fact.end_ms ?? fact.start_ms;
      firstMs = firstMs === null ? fact.start_ms : Math.min(firstMs, fact.start_ms);
      lastMs = lastMs === null ? endMs : Math.max(lastMs, endMs);
    },
    render: ({ sessionId, url, ...told }) => [
      `# Session ${renderCodeSpan(sessionId)}`,
      renderLink({ label: 'Open in Langfuse', url }),
      toRows(told).join('\n'),
    ],
  };
}

function toMissingRow(calls: number, textMode: string): string {
  return textMode === 'all'
    ? `- text: not read of ${toCounted(calls, 'call')}`
    : `- text: not kept of ${toCounted(calls, 'call')} (SYNC_CONTENT=${textMode})`;
}

function without(calls: number): string {
  return calls === 0 ? '' : ` (without ${toCounted(calls, 'call')} of which it is unknown)`;
}
