import { html, type Html } from './markup.ts';
import { styleSheet } from './style.ts';

/**
 * The frame of a report: one file that loads nothing and runs nothing, which its own policy holds even if a text
 * from outside ever came through unescaped.
 */
export function renderPage(page: { readonly title: string; readonly body: Html }): string {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
  const head = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${page.title}</title>
     `;
  return `${head.markup}<style>${styleSheet}</style>\n</head>\n<body>\n<main>\n${page.body.markup}\n</main>\n</body>\n</html>\n`;
}
