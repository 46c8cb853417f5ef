/** What failed, by class. */
import { numberCell, table } from './cells.ts';
import type { FailureClass, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';
import { toMinute, unknownText } from './numbers.ts';

const mostRows = 20;

export function renderErrors({ failures, totals }: ReportFigures): Html {
  const shown = failures.slice(0, mostRows);
  const rest = failures.slice(mostRows);
  const rows = shown.map(
    (one) =>
      html`<tr>
        <th scope="row"><span class="name">${toName(one)}</span></th>
        <td>${one.model}</td>
        ${numberCell('failed_attempts', one.attempts)}${numberCell('errors', one.errors)}
        <td class="n">${toMinute(one.firstMs)}</td>
        <td class="n">${toMinute(one.lastMs)}</td>
      </tr>`,
  );
  const foot = html`${
      rest.length === 0
        ? null
        : html`<tr>
            <th scope="row">and ${rest.length} more</th>
            <td></td>
            ${numberCell(
              'failed_attempts',
              sum(rest, (one) => one.attempts),
            )}${numberCell(
              'errors',
              sum(rest, (one) => one.errors),
            )}
            <td></td>
            <td></td>
          </tr>`
    }
    <tr>
      <th scope="row">All</th>
      <td></td>
      ${numberCell('failed_attempts', totals.get('failed_attempts'))}${numberCell('errors', totals.get('errors'))}
      <td></td>
      <td></td>
    </tr>`;
  return html`<section>
    <h2>Errors</h2>
    ${
      failures.length === 0
        ? html`<p>No attempt failed, as far as LiteLLM logged it.</p>`
        : html`${table({
            caption:
              'Failed attempts by class and model, most frequent first. A failed attempt whose retry succeeded is no failed request. Messages are in errors.json.',
            heads: [
              'Class',
              'model',
              'failed attempts',
              'failed requests',
              'first (UTC)',
              'last (UTC)',
            ],
            rows,
            foot,
          })}`
    }
  </section> `;
}

function toName({ errorClass, httpStatus }: FailureClass): string {
  const name = errorClass ?? `class ${unknownText}`;
  return httpStatus === null ? name : `${name} (HTTP ${httpStatus})`;
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
