/** DRM: rewards for the rationale without a ground truth */
import { atLeast, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const drm: SystemRow = {
  row: 22,
  name: 'drm',
  system: 'DRM: rewards for the rationale without a ground truth',
  paper: '2510.11457',
  checked:
    'Pairs of traces with the same right answer, one of them with a broken rationale: accuracy of confidence (log-probabilities of the policy), relevance (likeness to the question) and coherence (a fitted model) together, of each alone, and of the outcome alone.',
  reading: 'Equal weights of the standardised dimensions; the paper\'s weights were not found.',
  absent: 'Learning from these rewards by DPO or GRPO; language models, traces are drawn.',
  short: true,
  check({ base }) {
    return [
      atLeast('sound rationale ranked above the broken one', measured(base, 'reasoning', 'accuracy'), 0.8),
      exactly('the same by the outcome alone', measured(base, 'outcome', 'accuracy'), 0.5),
      ...['confidence', 'relevance', 'coherence'].map((name) => reported(`by ${name} alone`, measured(base, name, 'accuracy'))),
    ];
  },
};
