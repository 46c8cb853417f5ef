/** `report.html`: one self-contained page without scripts, the same bytes for the same figures. */
import { loadChartKit } from './chart.ts';
import { renderErrors } from './errors-section.ts';
import type { ReportFigures } from './figures.ts';
import { renderLatency } from './latency-section.ts';
import { html, type Html } from './markup.ts';
import { renderModels, renderWindows } from './models-section.ts';
import { toMinute } from './numbers.ts';
import { renderPage } from './page.ts';
import { renderQuality } from './quality-section.ts';
import { renderRankings } from './rankings-section.ts';
import { toSeries } from './series.ts';
import { renderTimeline } from './timeline-section.ts';
import { renderTokens } from './tokens-section.ts';
import { renderTiles, renderTotals } from './totals-section.ts';

/** Grows with every change of the look, so that reports are written anew: the caller puts it into their hash. */
export const reportFormat = 1;

/** UTF-8 text. */
export async function renderReport(figures: ReportFigures): Promise<string> {
  // There are many sessions, and each chart takes some milliseconds: theirs are numbers alone.
  const kit = figures.kind === 'session' ? null : await loadChartKit();
  const series = toSeries(figures.models);
  const isEmpty = (figures.totals.get('attempts') ?? 0) === 0;
  const body = html`${renderHead(figures)} ${renderTiles(figures)}
    ${
      isEmpty
        ? html`<p>No call of LiteLLM was logged in this time.</p>`
        : html`${renderTimeline(kit, figures, series)}${renderModels(figures)}${renderRankings(figures)}${renderLatency(kit, figures, series)}${renderTokens(kit, figures, series)}${renderErrors(figures)}`
    }
    ${renderWindows(figures)} ${renderTotals(figures)} ${renderQuality(figures)}
    <footer>
      <p>
        Times are UTC. Unknown is said and never counted as zero. Links open in a new tab; where a
        preview blocks that, as MLflow’s does, use the browser’s own “open link in new tab”.
      </p>
    </footer>`;
  return renderPage({ title: `${toTitle(figures)} · ${figures.project}`, body });
}

function renderHead(figures: ReportFigures): Html {
  return html`<header>
    <h1>${toTitle(figures)}</h1>
    <p class="soft">
      Langfuse project ${figures.project}, ${toMinute(figures.fromMs)} to ${toMinute(figures.toMs)}
      UTC
    </p>
  </header>`;
}

function toTitle({ kind, subject }: ReportFigures): string {
  const titles = {
    window: `LLM traffic of ${subject}`,
    range: `LLM traffic of ${subject}`,
    model: subject,
    session: `Session ${subject}`,
  };
  return titles[kind];
}
