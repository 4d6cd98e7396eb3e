/** `npm run bench -- [embedded] [flight] [judges] [labels] [learner] [nethack] [pipeline] [rewards] [store] [text]`: each figure beside its reference, measured in one run. Default: all. */
import { benchEmbedded } from './embedded.js';
import { benchFlight } from './flight.js';
import { benchJudgeRate } from './judge-rate.js';
import { benchLabels } from './label-scale.js';
import { benchLearner } from './learner.js';
import { benchNethack } from './nethack.js';
import { benchPipeline, type Row } from './pipeline.js';
import { benchRewards } from './rewards.js';
import { benchStore } from './store.js';
import { benchText } from './text.js';

const note = (line: string): void => void process.stderr.write(`${line}\n`);

const BENCHES: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  embedded: benchEmbedded,
  flight: benchFlight,
  judges: benchJudgeRate,
  labels: benchLabels,
  learner: benchLearner,
  async nethack() {
    const { stepsPerSecond, ratio, lines } = await benchNethack(note);
    lines.forEach(note);
    const row = (what: string, ours: number, reference: number, share: number): Row => ({ what, unit: 'steps/s of a core', ours, reference, ratio: share });
    return [
      row('NetHack, our group of one game against the Python environment as shipped', stepsPerSecond.group1, stepsPerSecond.pythonShipped, ratio.environment),
      row('NetHack, the Python environment cut down to the same observations', stepsPerSecond.group1, stepsPerSecond.pythonLean, ratio.leanEnvironment),
      row('NetHack, bare keys on both sides', stepsPerSecond.binding, stepsPerSecond.pythonKeys, ratio.binding),
    ];
  },
  pipeline: benchPipeline,
  rewards: benchRewards,
  store: benchStore,
  text: benchText,
};

const chosen = process.argv.slice(2).filter((name) => !name.startsWith('-'));
const unknown = chosen.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  note(`expected some of ${Object.keys(BENCHES).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}
const number = (value: number): string => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
console.log('| what | unit | ours | reference | ours / reference |');
console.log('|---|---|---|---|---|');
for (const name of chosen.length > 0 ? chosen : Object.keys(BENCHES)) {
  for (const { what, unit, ours, reference, ratio } of await BENCHES[name]!()) console.log(`| ${what} | ${unit} | ${number(ours)} | ${number(reference)} | ${ratio.toFixed(2)} |`);
}
