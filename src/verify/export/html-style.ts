/** Colors and type of the HTML page; the page follows the reader's choice of light or dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f6f7f9; --line: #d5d9e0; --text: #1c2330; --soft: #667085;
  --lane-0: #2459c9; --lane-1: #0b7a5b; --lane-2: #8a3fb5; --lane-3: #a8540a;
  --chip: #ffffff; --on: #2459c9; --off: #dfe3ea; --bad: #c62828; --bad-soft: #fde8e6; --bad-text: #8e1616; --remark: #8a4b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --panel: #1a202a; --line: #333c4a; --text: #e4e8ef; --soft: #97a3b6;
    --lane-0: #7ea6ff; --lane-1: #58c9a2; --lane-2: #cf95f0; --lane-3: #f0a45c;
    --chip: #1f2733; --on: #7ea6ff; --off: #2c3543; --bad: #ff6b61; --bad-soft: #45201f; --bad-text: #ffb3ad; --remark: #f2b866;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 1300px; margin: 0 auto; padding: 28px 24px 48px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 4px; }
h1 code { font-size: 21px; }
h1 .verdict { color: var(--bad); font-size: 14px; letter-spacing: .06em; border: 1.5px solid currentColor; border-radius: 5px; padding: 2px 8px; white-space: nowrap; vertical-align: 3px; }
p { margin: 6px 0; max-width: 78ch; }
.soft { max-width: 110ch; color: var(--soft); }
.reason { font-size: 17px; }
code, .mono { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .93em; }
.scroll { overflow-x: auto; margin: 20px 0 8px; border: 1px solid var(--line); border-radius: 10px; background: var(--panel); }
svg { display: block; margin: 0 auto; }
svg text { fill: var(--text); font: 13px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
svg .head { font: 600 14px system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
svg .sub, svg .source, svg .number { fill: var(--soft); font-size: 11px; }
svg .note { fill: var(--soft); font: italic 13px system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
svg .remark { fill: var(--remark); font: 13px system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
svg .life { stroke-width: 2; opacity: .45; }
svg .chip { fill: var(--chip); stroke-width: 1.4; }
svg .reach { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4; opacity: .7; }
svg .on { fill: var(--on); }
svg .off { fill: var(--off); }
svg .value { font-weight: 600; font-size: 12px; text-anchor: middle; }
svg .value.one { fill: var(--page); }
svg .value.zero { fill: var(--soft); }
svg .touched { fill: none; stroke: var(--text); stroke-width: 1.8; }
svg .bad-row { fill: var(--bad-soft); }
svg .bad-chip { fill: var(--bad-soft); stroke: var(--bad); stroke-width: 2; }
svg .bad-touch { fill: none; stroke: var(--bad); stroke-width: 2.4; }
svg .bad-text { fill: var(--bad-text); font-weight: 600; }
svg .rule { stroke: var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 18px 0 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
`;
