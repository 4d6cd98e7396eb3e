/** docs/systems.md, from the registry and the recorded results. */
import { jobPathOf, SYSTEMS } from './registry.js';
import { passed, recordedResult } from './results.js';
import type { Figure, SystemRow } from './system-row.js';

export function systemsPage(): string {
  return [
    '# Reward systems',
    '',
    'Published reward systems as job files. Each runs through the whole pipeline (Temporal, Flight, store) on small seeded workloads with `laurel systems <row>`;',
    '`npm run systems` runs all of them, and those marked *short* run in `npm test`. A workload of this size shows that the mechanism is there and',
    'works as the paper says; it says nothing about the sizes and data of the paper. The figures are those of the last recorded run',
    '(`laurel systems --record`), and `laurel docs --write` makes this page.',
    '',
    '| row | system | job | result | seconds |',
    '|---|---|---|---|---|',
    ...SYSTEMS.map(overviewLine),
    '',
    ...SYSTEMS.map(rowSection),
  ].join('\n');
}

function overviewLine(system: SystemRow): string {
  const result = recordedResult(system);
  return `| ${system.row} | ${system.system} | [\`${system.row}-${system.name}\`](../${jobPathOf(system)}) | ${resultText(system)} | ${result === undefined ? '' : result.seconds} |`;
}

function resultText(system: SystemRow): string {
  const result = recordedResult(system);
  if (result === undefined) return 'not recorded';
  const judged = result.figures.filter((one) => one.wanted !== null);
  if (passed(result.figures)) return `${judged.length} of ${judged.length} hold${judged.some((one) => one.moved !== undefined) ? ', a threshold moved' : ''}`;
  return `**not reproduced**: ${judged.filter((one) => one.holds).length} of ${judged.length} hold`;
}

function rowSection(system: SystemRow): string {
  const figures = recordedResult(system)?.figures ?? [];
  return [
    `## ${system.row}. ${system.system}`,
    '',
    `Paper: [arXiv ${system.paper}](https://arxiv.org/abs/${system.paper}). Job: [\`${jobPathOf(system)}\`](../${jobPathOf(system)})${system.short ? ', short' : ''}.`,
    ...(system.variants === undefined ? [] : [`Run besides, with some fields changed: ${Object.keys(system.variants).map((name) => `\`${name}\``).join(', ')}.`]),
    '',
    system.checked,
    '',
    ...(figures.length === 0 ? [] : ['| figure | reached | wanted | |', '|---|---|---|---|', ...figures.map(figureLine), '']),
    ...(system.reading === null ? [] : [`Our own reading: ${system.reading}`, '']),
    `Not represented: ${system.absent}`,
    '',
  ].join('\n');
}

function figureLine({ what, value, wanted, holds, moved }: Figure): string {
  return `| ${what} | ${shownNumber(value)} | ${wanted ?? 'reported'} | ${wanted === null ? '' : holds ? 'holds' : '**does not hold**'}${moved === undefined ? '' : `; threshold moved: ${moved}`} |`;
}

export function shownNumber(value: number): string {
  return value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 1e6) ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}
