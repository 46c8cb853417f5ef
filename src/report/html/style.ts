/** The look of a report: light and dark by the reader's own choice, and on paper. */

/** Colours of series, told apart also by the colour-blind (Okabe and Ito's set, made lighter for dark pages). */
export const seriesColors = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => `var(--c${index})`);

/** Colour of what is neither: the others, summed. */
export const otherColor = 'var(--c-other)';

export const styleSheet = `
:root { color-scheme: light dark;
  --bg: #fff; --card: #f7f8fa; --text: #1b1f24; --soft: #57606a; --line: #d8dee4; --link: #0a58ca;
  --bad: #b3261e; --c-other: #a8b0b9;
  --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #56b4e9; --c5: #d55e00; --c6: #7a5cc7; --c7: #8c8c2b; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #14171c; --card: #1c2128; --text: #e6e9ed; --soft: #9aa4af; --line: #343b45; --link: #7ab7ff;
  --bad: #ff8a80; --c-other: #6b7480;
  --c0: #4aa8e0; --c1: #f0b840; --c2: #35c29a; --c3: #e39cc4; --c4: #8fd0f5; --c5: #f0803c; --c6: #a48be8; --c7: #c3c35a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 24px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 36px 0 8px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 22px 0 4px; }
p { margin: 6px 0; max-width: 76ch; overflow-wrap: anywhere; }
.soft, caption, .legend { color: var(--soft); }
a { color: var(--link); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 12px; margin: 18px 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.tiles .label { color: var(--soft); font-size: 13px; }
.tiles .value { font-size: 24px; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tiles .beside { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; margin: 10px 0; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; padding-bottom: 4px; font-size: 13px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { color: var(--soft); font-size: 13px; vertical-align: bottom; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tfoot td, tfoot th { color: var(--soft); }
.u, .unknown { color: var(--soft); font-style: italic; }
.bad { color: var(--bad); }
th .name { overflow-wrap: anywhere; }
th a { font-size: 12px; white-space: nowrap; margin-left: 4px; }
figure { margin: 14px 0 6px; }
figcaption { font-weight: 600; margin-bottom: 2px; }
svg { display: block; max-width: 100%; height: auto; color: var(--text); overflow: visible; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 6px; padding: 0; list-style: none; font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 6px; }
.legend span { overflow-wrap: anywhere; }
details { margin: 6px 0; }
summary { cursor: pointer; color: var(--link); font-size: 14px; }
ul.plain { margin: 6px 0; padding-left: 20px; }
ul.plain li { margin: 5px 0; max-width: 76ch; }
footer { margin-top: 40px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
@media (max-width: 640px) { main { padding: 16px 14px 32px; } }
@media print {
  :root { color-scheme: light; }
  main { max-width: none; padding: 0; }
  figure, .tiles li, tr { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .scroll { overflow: visible; }
}
`;
