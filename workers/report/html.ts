/** Text and numbers for the page. Every text of others goes through `escapeHtml`: messages come from games and models. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** `1,234,567` */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Three significant digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1000) return formatCount(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** `250k`, `1.5M`: for axes. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return formatNumber(value);
}

/** `42 s`, `3 min 7 s`, `1 h 2 min` */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${milliseconds < 10_000 ? Number((milliseconds / 1000).toPrecision(2)) : seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** `max_depth`, `maxDepth` and `return.score` as words. */
export function formatName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[._-]+/g, ' ')
    .toLowerCase();
}

/** A table with a heading row; cells are HTML. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numeric: readonly boolean[] = []): string {
  const cell = (tag: string, content: string, column: number): string => `<${tag}${numeric[column] === true ? ' class="number"' : ''}>${content}</${tag}>`;
  const headRow = `<tr>${head.map((content, column) => cell('th', content, column)).join('')}</tr>`;
  const body = rows.map((row) => `<tr>${row.map((content, column) => cell('td', content, column)).join('')}</tr>`).join('');
  return `<div class="scroll"><table><thead>${headRow}</thead><tbody>${body}</tbody></table></div>`;
}

export function section(title: string, note: string, content: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`}${content}</section>`;
}

/** A plot or table with its title; empty content gives nothing. */
export function figure(title: string, content: string, note = ''): string {
  if (content === '') return '';
  return `<figure><figcaption>${escapeHtml(title)}${note === '' ? '' : `<small>${escapeHtml(note)}</small>`}</figcaption>${content}</figure>`;
}
