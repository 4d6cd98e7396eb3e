/**
 * Prompts for NetHack messages with the real embedded model, against the hand labels of `examples/labels`:
 * `node dist/bench/prompts.js [development | held-out] [part of a variant's name]`. One row for each prompt and goal.
 */
import { readFileSync } from 'node:fs';
import { judgeSchema } from '../proto/judges.js';
import { createJudge } from '../workers/annotator/judges/create-judge.js';
import { textOfKey } from '../workers/annotator/label-record.js';
import { Prompt } from '../workers/annotator/prompts/prompt-template.js';
import { agreementOf, type Compared } from '../workers/annotator/quality/agreement.js';
import { ASSETS, requireAsset } from '../workers/assets/index.js';
import { GOALS, VARIANTS, type GoalName } from './labels/prompt-variants.js';

interface Row {
  readonly text: string;
  readonly label: 0 | 1;
  readonly part: 'development' | 'held-out';
}
const [part = 'development', wanted = ''] = process.argv.slice(2);
if (part !== 'development' && part !== 'held-out') throw new Error(`expected development or held-out, got ${part}`);
const model = (await requireAsset(ASSETS['gemma3-270m']))['model']!;
const digits = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
console.log('| prompt | goal | AUC | accuracy at 0.5 | kappa | Brier | ECE | no verdict | tokens before the message | labels/s |');
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const { name, template, examples } of VARIANTS) {
  if (!name.includes(wanted)) continue;
  for (const goal of Object.keys(GOALS) as GoalName[]) {
    const rows = readFileSync(`examples/labels/nethack-${goal}.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Row).filter((row) => row.part === part);
    const prompt = new Prompt({ ...template, examples: [] }, GOALS[goal], examples[goal]);
    const judge = await createJudge(judgeSchema.parse({ kind: 'embedded' }), prompt, { modelPath: () => Promise.resolve(model), secret: () => undefined });
    const compared: Compared[] = [];
    let unknown = 0;
    let prefix = 0;
    let busyMs = 0;
    for await (const outcome of judge.ask(rows.map(({ text }) => textOfKey(text)), { signal: new AbortController().signal })) {
      if (outcome.kind === 'unavailable') throw outcome.error;
      prefix = Math.max(prefix, outcome.answer.tokensIn);
      // The first answer reads what stands before the message.
      if (outcome.index > 0) busyMs += outcome.answer.latencyMs;
      if (outcome.answer.probability === null) unknown += 1;
      else compared.push({ positive: rows[outcome.index]!.label === 1, probability: outcome.answer.probability });
    }
    await judge.dispose();
    const { auc, accuracy, kappa, brier, ece } = agreementOf(compared, 0.5);
    console.log(`| ${name} | ${goal} | ${digits(auc)} | ${digits(accuracy)} | ${digits(kappa)} | ${digits(brier)} | ${digits(ece)} | ${unknown} | ${prefix} | ${((1000 * (rows.length - 1)) / busyMs).toFixed(1)} |`);
  }
}
