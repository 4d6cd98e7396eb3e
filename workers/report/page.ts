/** The frame of a report: one self-contained HTML file. */
import { escapeHtml } from './html.js';
import { STYLE } from './style.js';

export function htmlPage(title: string, parts: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    // The page loads nothing and runs nothing, whatever a message in it says.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)} · Laurel</title><style>${STYLE}</style></head>`,
    `<body><main>${parts.join('\n')}</main></body></html>`,
    '',
  ].join('\n');
}
