/** HelpSteer2 and SteerLM 2.0: attributes that can be asked for */
import { atLeast, atMost, measured, type SystemRow } from '../system-row.js';

export const helpsteer: SystemRow = {
  row: 56,
  name: 'helpsteer',
  system: 'HelpSteer2 and SteerLM 2.0: attributes that can be asked for',
  paper: '2406.08673',
  checked:
    'A regression model of one attribute, and a policy over 12 answers for five requested levels, learned from 10 samples of the reference at a time: divergence from P(a | y) P(y) before and after, and the mean level of the answers for rising requests.',
  reading: 'P(a | x, y) is normal around the regression\'s prediction with deviation 0.7.',
  absent: 'Five attributes with weighted goodness; language models.',
  short: true,
  check({ base }) {
    const levels = [0, 1, 2, 3, 4].map((prompt) => measured(base, 'steered', `level.prompt-${prompt}`));
    const least = Math.min(...levels.slice(1).map((level, index) => level - (levels[index] as number)));
    return [
      atLeast('divergence from the target before, nats', measured(base, 'start', 'divergence.target'), 0.5),
      atMost('divergence from the target after, nats', measured(base, 'steered', 'divergence.target'), 1e-3),
      atLeast('least rise of the mean level from one request to the next', least, 0),
      atLeast('correlation of the regression with the attribute', measured(base, 'attribute', 'pearson'), 0.7),
    ];
  },
};
