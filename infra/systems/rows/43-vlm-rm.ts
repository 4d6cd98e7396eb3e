/** VLM-RM: likeness to a goal in words, regularised by a baseline in words. */
import { atLeast, measured, reported, type StoredRun, type SystemRow } from '../system-row.js';

/** alpha of the source `strength-<percent>` of the job. */
const PERCENTS = [0, 25, 50, 75, 90, 100] as const;
const OTHER_SEEDS = [44, 45, 46, 47, 48, 49, 50] as const;

const correlations = (run: StoredRun): number[] => PERCENTS.map((percent) => measured(run, `strength-${percent}`, 'pearson'));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export const vlmRm: SystemRow = {
  row: 43,
  name: 'vlm-rm',
  system: 'VLM-RM: likeness to a goal in words, with goal-baseline regularisation',
  paper: '2310.12921',
  checked:
    'Evaluation only: 1,000 states of a pole, drawn as small pictures and embedded, and the correlation of 1 - |a proj_L(s - g) + (1 - a)(s - g)|² / 2 with the truth (1 + cos(angle)) / 2 at six strengths a; L is the line from the baseline to the goal. The job, and the same with seven other seeds, which draw other pictures and other texts. The formula on hand-computed vectors is a unit test.',
  reading:
    'There is no vision language model: a picture is embedded by how much its brightness changes and how bright it is in 4 x 4 cells; a text ("a pole that stands upright", "a pole") by the mean of 64 other pictures that it is true of, moved by what all texts have in common (length 1, against vectors of length about 1) and by an error of its own (length 0.3). Encoder and lengths were chosen after tries: a frozen random network saw too little of the angle (correlation of about 0.3), and without what texts have in common regularisation gains 0.06 instead of 0.12. Means over eight seeds: from text to text the best strength is anything from 0 to 1, so the order 0.5 above 1 above 0 is one of means.',
  absent: 'CLIP and rendered robots, and policies trained on this reward: the source `embedding` of a training run computes the same formula (`form`, `baseline`, `alpha`), with any ONNX file as encoder, and no job here trains on it.',
  short: false,
  variants: Object.fromEntries(OTHER_SEEDS.map((seed) => [`seed-${seed}`, { seed }])),
  check(runs) {
    const all = Object.values(runs).map(correlations);
    const means = PERCENTS.map((_, index) => mean(all.map((values) => values[index] as number)));
    const at = (percent: (typeof PERCENTS)[number]): number => means[PERCENTS.indexOf(percent)] as number;
    const best = mean(all.map((values) => Math.max(...values)));
    return [
      ...PERCENTS.map((percent) => reported(`correlation with the truth at strength ${percent / 100}, mean over seeds`, at(percent))),
      reported('the same at the best strength of each seed', best),
      atLeast('gained by strength 0.5 over none', at(50) - at(0), 0.1, 'from 0.43 to 0.74 in a prototype whose embeddings were drawn numbers, not pictures'),
      atLeast('lost at strength 1 against 0.5', at(50) - at(100), 0.01, '0.21 there'),
      atLeast('gained by tuning the strength for each seed, over 1', best - at(100), 0.03),
    ];
  },
};
