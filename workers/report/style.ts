/** The style of the page. One file, no requests: it can be mailed and still looks right in ten years. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f5; --card: #ffffff; --ink: #1b2420; --ink-soft: #5d6a64; --line: #dfe5e1; --accent: #2d6a4f;
  --good: #2d6a4f; --bad: #a8422d; --series-1: #2d6a4f; --series-2: #c9702b; --series-3: #3f6fb5; --series-4: #a23e6c; --series-5: #8a7a1f; --series-6: #5c5470; }
@media (prefers-color-scheme: dark) { :root { --ground: #121614; --card: #1a201d; --ink: #e4ebe7; --ink-soft: #97a69e; --line: #2d3732; --accent: #74c69d;
  --good: #74c69d; --bad: #ef8f76; --series-1: #74c69d; --series-2: #f0a35e; --series-3: #82aef0; --series-4: #e08bb0; --series-5: #d3c35a; --series-6: #b3a8d0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 64px; }
header h1 { margin: 0; font-size: 28px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
header p { margin: 4px 0 0; color: var(--ink-soft); }
.badge { display: inline-block; margin-left: 10px; padding: 2px 10px; border-radius: 999px; border: 1px solid currentColor; color: var(--good); font-size: 13px; font-weight: 600; vertical-align: 5px; }
.badge.open, .badge.cancelled, .badge.stopped { color: var(--series-2); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(142px, 1fr)); gap: 12px; margin: 24px 0 8px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 21px; white-space: nowrap; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.tile span { color: var(--ink-soft); font-size: 13px; }
section { margin-top: 40px; }
h2 { font-size: 19px; margin: 0 0 4px; font-weight: 650; }
.note { margin: 0 0 12px; color: var(--ink-soft); max-width: 76ch; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: 6px; }
figcaption small { display: block; font-weight: 400; color: var(--ink-soft); }
svg { width: 100%; height: auto; display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 6px; color: var(--ink-soft); font-size: 13px; }
.legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: 3px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 16px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--ink-soft); font-weight: 600; font-size: 13px; }
tbody tr:last-child > * { border-bottom: 0; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.message { overflow-wrap: anywhere; font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; font-size: 13px; }
.probability { display: inline-block; width: 64px; height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; vertical-align: middle; margin-right: 8px; }
.probability i { display: block; height: 100%; background: var(--accent); }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); } .soft { color: var(--ink-soft); }
.bars th { font-weight: 400; white-space: nowrap; padding-right: 14px; } .bars .bar { width: 70%; } .bars i { display: block; height: 12px; margin-top: 5px; border-radius: 3px; background: var(--series-1); }
ul.warnings { margin: 0 0 16px; padding: 10px 16px 10px 34px; background: var(--card); border: 1px solid var(--bad); border-radius: 10px; overflow-wrap: anywhere; }
figure .scroll + .scroll { margin-top: 12px; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 16px; }
summary { cursor: pointer; font-weight: 600; } pre { overflow-x: auto; font-size: 13px; line-height: 1.45; }
footer { margin-top: 48px; color: var(--ink-soft); font-size: 13px; }
@media print { body { background: #fff; } figure, .tile { break-inside: avoid; } details > pre { white-space: pre-wrap; } }
`;
