/** Plots as inline SVG that follow the page's light or dark colours. */
import { escapeHtml, formatTick } from './html.js';
import type { Curve } from './series.js';

export interface LineChart {
  readonly curves: readonly Curve[];
  readonly xName: string;
  /** Drawn thin and pale behind the curve of the same place. */
  readonly behind?: readonly Curve[];
  readonly height?: number;
  /** Said to people who cannot see the plot. */
  readonly label: string;
}

export interface BarChart {
  readonly bars: readonly { readonly name: string; readonly value: number; readonly text: string }[];
  readonly label: string;
}

const WIDTH = 560;
const HEIGHT = 250;

/**
 * The drawing library wants colours as numbers and the page has them as variables: each colour is drawn as a number that
 * nothing else uses, and put back afterwards.
 */
const TOKENS: Readonly<Record<string, string>> = {
  '#0a0b01': 'var(--ink-soft)',
  '#0a0b02': 'var(--line)',
  '#0a0b11': 'var(--series-1)',
  '#0a0b12': 'var(--series-2)',
  '#0a0b13': 'var(--series-3)',
  '#0a0b14': 'var(--series-4)',
  '#0a0b15': 'var(--series-5)',
  '#0a0b16': 'var(--series-6)',
};
const SOFT = '#0a0b01';
const LINE = '#0a0b02';
const SERIES = ['#0a0b11', '#0a0b12', '#0a0b13', '#0a0b14', '#0a0b15', '#0a0b16'];

const colourOf = (index: number): string => SERIES[index % SERIES.length] as string;
const text = { color: SOFT, fontSize: 11, fontFamily: 'inherit' };

export async function lineChart(chart: LineChart): Promise<string> {
  const series = [
    ...(chart.behind ?? []).map((curve, index) => line(curve, index, { width: 1, opacity: 0.28 })),
    ...chart.curves.map((curve, index) => line(curve, index, { width: 2, opacity: 1 })),
  ];
  const svg = await draw(chart.height ?? HEIGHT, {
    grid: { left: 8, right: 18, top: 14, bottom: 34, containLabel: true },
    xAxis: {
      type: 'value',
      min: 0,
      max: 'dataMax',
      name: chart.xName,
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: text,
      axisLabel: { ...text, formatter: formatTick, hideOverlap: true, showMaxLabel: false },
      axisLine: { lineStyle: { color: LINE } },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    yAxis: { type: 'value', scale: true, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { ...text, formatter: formatTick }, splitLine: { lineStyle: { color: LINE } }, splitNumber: 4 },
    series,
  });
  const legend = chart.curves.length < 2 ? '' : `<div class="legend">${chart.curves.map((curve, index) => `<span><i style="background:var(--series-${(index % SERIES.length) + 1})"></i>${escapeHtml(curve.name)}</span>`).join('')}</div>`;
  return `<div role="img" aria-label="${escapeHtml(chart.label)}">${svg}</div>${legend}`;
}

/** Bars beside each other in HTML: they need no axis and wrap on a narrow page. */
export function barChart(chart: BarChart): string {
  const most = Math.max(...chart.bars.map((bar) => bar.value), Number.MIN_VALUE);
  const rows = chart.bars.map((bar) => `<tr><th scope="row">${escapeHtml(bar.name)}</th><td class="bar"><i style="width:${((100 * bar.value) / most).toFixed(1)}%"></i></td><td class="number">${escapeHtml(bar.text)}</td></tr>`);
  return `<table class="bars" aria-label="${escapeHtml(chart.label)}"><tbody>${rows.join('')}</tbody></table>`;
}

function line(curve: Curve, index: number, style: { width: number; opacity: number }): object {
  return { type: 'line', name: curve.name, data: curve.points, showSymbol: curve.points.length === 1, color: colourOf(index), lineStyle: { ...style, color: colourOf(index) }, silent: true, clip: false };
}

async function draw(height: number, option: object): Promise<string> {
  // Loaded where a report is drawn: a worker that never draws one must not carry the library.
  const echarts = await import('echarts');
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, backgroundColor: 'transparent', ...option });
    const svg = chart.renderToSVGString({ useViewBox: true });
    return svg
      .replace(/#0a0b[01][0-9]/g, (colour) => TOKENS[colour] ?? colour)
      .replace(/<style[\s\S]*?<\/style>|<defs[\s\S]*?<\/defs>| clip-path="[^"]*"/g, '')
      .replace(/ (class|pointer-events|xmlns:xlink|version|baseProfile)="[^"]*"/g, '')
      .replace(/font-family:inherit;?/g, '');
  } finally {
    chart.dispose();
  }
}
