/** A judge that is asked when rewards are computed: the source `judge`. */
import { z } from 'zod';
import { judgeSchema, membersOf } from './judges.js';
import type { Say } from './reward-types.js';
import { sourceFields, unknownField } from './source-fields.js';

/** A score call lasts 30 minutes at most (workflows/parked-steps). */
const DEADLINE_MS_MAX = 20 * 60_000;

/** Texts of one list: as many as there are letters to name them by. */
export const LIST_TEXTS_MAX = 26;
/** Of all texts of one list together; what is longer than its share is cut, as a single text is. */
export const LIST_CHARACTERS_MAX = 32_000;
/** What a judge of lists may give each text. */
export const LIST_SCORES = { least: 1, most: 5 } as const;

export const judgeSourceSchema = z
  .strictObject({
    kind: z.literal('judge'),
    ...sourceFields,
    ...unknownField,
    mode: z
      .enum(['pointwise', 'pairwise', 'listwise'])
      .default('pointwise')
      .describe(
        `pointwise: does this one keep to the principle; pairwise: which of two completions of one prompt keeps to it better, each against every other of its group: the mean over the others of the probability that it is preferred; listwise: all completions of one prompt (${LIST_TEXTS_MAX} at most) in one question under letters, in an order drawn from the texts themselves; each gets a whole score s from ${LIST_SCORES.least} to ${LIST_SCORES.most}, its reward is (s - 1) / 4. Identical texts are shown once. A reply without exactly one such score for each letter is no answer: all of the group is unknown. For judges that follow an instruction: openai (chat), command, scripted.`,
      ),
    principle: z.string().min(1).max(2000).describe('What is judged by, in words: a goal, a principle, the items of a rubric; stands in the prompt.'),
    prompt: z.string().regex(/^[a-z0-9-]+$/).nullable().default(null).describe('Name of the prompt template; null: principle-v1, principle-pairs-v1 (pairwise) or principle-list-v1 (listwise).'),
    task: z.boolean().default(true).describe('Where texts are written the judge sees the prompt before the completion.'),
    swap: z.boolean().default(true).describe('Ask each pair in both orders, each list also from its end: the answer is the mean of both (pairwise, listwise).'),
    judge: judgeSchema.describe('Who is asked, from the reward worker: secrets are read from its environment. Votes of several: a panel.'),
    answer: z.enum(['probability', 'binary']).default('probability').describe('Reward value: the probability itself, or 1 where it is above the threshold (pointwise).'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Of binary.'),
    deadlineMs: z.int().min(100).max(DEADLINE_MS_MAX).default(60_000).describe('Time for the questions of one segment; segments are asked about one after another, and a call that scores several lasts 30 minutes at most. A unit whose answer has not come by then is unknown, which is recorded and stays so.'),
  })
  .describe('An LLM judge read as a reward when rewards are computed. What it answered, or that it did not, is recorded with the segment before it is used: whoever computes the rewards again reads that and asks nobody. A judge that is not there at all is waited for.');
export type JudgeSource = z.output<typeof judgeSourceSchema>;

/** Completions of one prompt, as a job of texts makes them. */
export interface CompletionGroups {
  readonly size: number;
  readonly tokensMax: number;
}

/** @param groups null: the environment writes no texts */
export function checkJudgeSource(source: JudgeSource, path: string, say: Say, groups: CompletionGroups | null): void {
  const { mode } = source;
  if (mode === 'pointwise') return;
  if (groups === null) say(`${path}.mode`, `expected pointwise: only an environment of kind text has groups of completions to compare, got ${mode}`);
  if (source.answer === 'binary') say(`${path}.answer`, `expected probability: ${mode === 'pairwise' ? 'a share of comparisons' : 'a score among others'} is no verdict, got binary`);
  if (mode === 'listwise') checkList(source, path, say, groups);
}

/** The judge must write a score for each text, and see all of them at once. */
function checkList({ judge }: JudgeSource, path: string, say: Say, groups: CompletionGroups | null): void {
  membersOf(judge).forEach((member, place) => {
    const at = judge.kind === 'panel' ? `${path}.judge.judges.${place}` : `${path}.judge`;
    if (member.kind === 'embedded') say(`${at}.kind`, 'expected a judge that follows an instruction (openai with chat, command, scripted) where the mode is listwise: the embedded model is read at its next token, which scores one text, got embedded; use another judge, or the mode pairwise', 'LAUREL_JUDGE_UNSUITED');
    if (member.kind === 'openai' && member.api === 'completions') say(`${at}.api`, 'expected chat where the mode is listwise: the judge is told how to write its scores, got completions; use chat, or the mode pairwise', 'LAUREL_JUDGE_UNSUITED');
  });
  if (groups === null) return;
  const { size, tokensMax } = groups;
  if (size > LIST_TEXTS_MAX) say('learn.groupSize', `expected at most ${LIST_TEXTS_MAX} completions of a prompt, which ${path} shows in one list, got ${size}; make groups smaller, or use the mode pairwise`, 'LAUREL_JUDGE_UNSUITED');
  else if (size * tokensMax > LIST_CHARACTERS_MAX) {
    say('environment.completionTokensMax', `expected completions of at most ${Math.floor(LIST_CHARACTERS_MAX / size)} tokens: ${path} shows ${size} of them in one list of at most ${LIST_CHARACTERS_MAX} characters, and a token is one or more, got ${tokensMax}; make completions shorter or groups smaller, or use the mode pairwise`, 'LAUREL_JUDGE_UNSUITED');
  }
}
