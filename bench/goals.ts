/**
 * Goals by name against the hand labels, as a job would have them: `node dist/bench/goals.js [development | held-out]`. No figure
 * where one of the two labels is missing from the part.
 */
import { readFileSync } from 'node:fs';
import { GOAL_NAMES, type GoalName } from '../proto/goals.js';
import { annotatorSchema } from '../proto/judges.js';
import { judgeOf } from '../workers/annotator/judges/create-judge.js';
import { machineResources } from '../workers/annotator/judge-resources.js';
import { promptOf } from '../workers/annotator/prompts/registry.js';
import { agreementOf } from '../workers/annotator/quality/agreement.js';
import { textOfKey } from '../workers/annotator/text-key.js';

const SETS: Readonly<Record<GoalName, string>> = { score: 'nethack-progress', combat: 'nethack-combat', gold: 'nethack-gold', descent: 'nethack-descent' };
const part = process.argv[2] ?? 'development';
const digits = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
console.log('| goal | helpful | called helpful | AUC | accuracy at 0.5 | kappa | Brier | ECE |');
console.log('|---|---|---|---|---|---|---|---|');
for (const preset of GOAL_NAMES) {
  const rows = readFileSync(`examples/labels/${SETS[preset]}.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { text: string; label: number; part: string }).filter((row) => row.part === part);
  const spec = annotatorSchema.parse({ goal: { preset }, prompt: 'helpful-v3', judge: { kind: 'embedded', sequences: 4 } });
  const judge = await judgeOf(spec, promptOf(spec), machineResources());
  const compared: { positive: boolean; probability: number }[] = [];
  for await (const outcome of judge.ask(rows.map(({ text }) => textOfKey(text)), { signal: new AbortController().signal })) {
    if (outcome.kind === 'unavailable') throw outcome.error;
    if (outcome.answer.probability !== null) compared.push({ positive: rows[outcome.index]!.label === 1, probability: outcome.answer.probability });
  }
  await judge.dispose();
  const { auc, accuracy, kappa, brier, ece } = agreementOf(compared, 0.5);
  console.log(`| ${preset} | ${rows.filter(({ label }) => label === 1).length} of ${rows.length} | ${compared.filter(({ probability }) => probability > 0.5).length} | ${[auc, accuracy, kappa, brier, ece].map(digits).join(' | ')} |`);
}
