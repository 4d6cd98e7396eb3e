/** Several judges as one: the next one where one fails, or the votes of all. */
import { LaurelError } from '../../../proto/errors.js';
import { PAIR_CHOICES, type PanelJudgeSpec } from '../../../proto/judges.js';
import { hashOf } from '../../store/artifacts.js';
import { answered, answeredList, unanswered, type AskOptions, type Judge, type JudgeAnswer, type Outcome, type Questions } from './judge.js';
import { pipelined } from './pipeline.js';
import { Slots } from './slots.js';

interface Member {
  readonly judge: Judge;
  readonly slots: Slots;
  /** Until then another one is asked in its place (performance.now()). */
  restsUntil: number;
}

/** A judge that was not there is left alone for this long: its tries take time, and the next one can answer. */
const REST_MS = 30_000;

export class PanelJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;
  private readonly members: readonly Member[];

  constructor(
    private readonly rule: PanelJudgeSpec['rule'],
    judges: readonly Judge[],
  ) {
    this.members = judges.map((judge) => ({ judge, slots: new Slots(judge.concurrency), restsUntil: 0 }));
    this.material = { kind: 'panel', rule, judges: judges.map((judge) => judge.material) };
    this.digest = hashOf(this.material);
    this.id = `panel(${judges.map(({ id }) => id).join(', ')})`;
    const most = judges.map(({ concurrency }) => concurrency);
    // Of votes the slowest judge decides; of a fallback the first one answers as a rule.
    this.concurrency = rule === 'votes' ? Math.min(...most) : (most[0] as number);
  }

  /** Of a fallback: only where no judge is well; of votes: where no majority is. */
  get trouble(): LaurelError | undefined {
    const troubles = this.members.flatMap(({ judge }) => judge.trouble ?? []);
    const needed = this.rule === 'votes' ? quorumOf(this.members.length) : 1;
    return this.members.length - troubles.length >= needed ? undefined : troubles[0];
  }

  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    const askOne = this.rule === 'votes' ? this.vote.bind(this) : this.fallBack.bind(this);
    return pipelined(questions, this.concurrency, askOne, options);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.members.map(({ judge }) => judge.dispose()));
  }

  /** The first verdict, in the order of the judges; where there is none, what the first one that answered said. */
  private async fallBack(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    let firstSaid: Outcome | undefined;
    let firstError: Outcome | undefined;
    const awake = this.members.filter(({ restsUntil }) => restsUntil <= performance.now());
    for (const member of awake.length > 0 ? awake : this.members) {
      const outcome = await askMember(member, text, index, signal);
      if (outcome.kind === 'unavailable') {
        member.restsUntil = performance.now() + REST_MS;
        firstError ??= outcome;
        continue;
      }
      const said: Outcome = { ...outcome, answer: { ...outcome.answer, model: member.judge.id } };
      if (outcome.answer.status === 'ok') return said;
      firstSaid ??= said;
    }
    return firstSaid ?? (firstError as Outcome);
  }

  /** The verdict of the majority of those that gave one (of a list: their mean), which must be a majority of all; a draw of a pair is a tie. */
  private async vote(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    const outcomes = await Promise.all(this.members.map((member) => askMember(member, text, index, signal)));
    const answers = outcomes.flatMap((outcome) => (outcome.kind === 'answer' ? [outcome.answer] : []));
    const missing = outcomes.find((outcome) => outcome.kind === 'unavailable');
    if (answers.length < quorumOf(this.members.length) && missing) return missing;
    return { kind: 'answer', index, text, answer: this.counted(outcomes, answers) };
  }

  private counted(outcomes: readonly Outcome[], answers: readonly JudgeAnswer[]): JudgeAnswer {
    const said = this.members.map(({ judge }, place) => [judge.id, saying(outcomes[place] as Outcome)] as const);
    const rest = {
      reply: JSON.stringify(said),
      tokensIn: answers.reduce((sum, { tokensIn }) => sum + tokensIn, 0),
      tokensOut: answers.reduce((sum, { tokensOut }) => sum + tokensOut, 0),
      latencyMs: Math.max(...answers.map(({ latencyMs }) => latencyMs)),
    };
    const verdicts = answers.filter(({ status }) => status === 'ok');
    if (verdicts.length < quorumOf(this.members.length)) return unanswered(answers.find(({ status }) => status !== 'ok')?.status === 'refused' ? 'refused' : 'unparsable', rest);
    const lists = verdicts.flatMap(({ values }) => (values === undefined ? [] : [values]));
    if (lists.length > 0) return answeredList(meanOf(lists), rest);
    const share = verdicts.reduce((sum, { label }) => sum + voteOf(label as number), 0) / verdicts.length;
    if (verdicts.every(({ choice }) => choice === null)) return answered(share, share, null, rest);
    const counts = PAIR_CHOICES.map((choice) => verdicts.filter((verdict) => verdict.choice === choice).length);
    const most = Math.max(...counts);
    const leaders = PAIR_CHOICES.filter((_choice, place) => counts[place] === most);
    return answered(share, share, leaders.length === 1 ? (leaders[0] as (typeof PAIR_CHOICES)[number]) : 'tie', rest);
  }
}

function quorumOf(judges: number): number {
  return Math.floor(judges / 2) + 1;
}

/** Of each text over the judges that scored the list, by how much they give it. */
function meanOf(lists: readonly (readonly number[])[]): number[] {
  return (lists[0] as readonly number[]).map((_, place) => lists.reduce((sum, values) => sum + (values[place] as number), 0) / lists.length);
}

/** One voice each, however sure the judge is. */
function voteOf(label: number): number {
  return label > 0.5 ? 1 : label < 0.5 ? 0 : 0.5;
}

function saying(outcome: Outcome): string | number | readonly number[] {
  if (outcome.kind === 'unavailable') return outcome.error.code;
  return outcome.answer.values ?? outcome.answer.choice ?? outcome.answer.label ?? outcome.answer.status;
}

async function askMember({ judge, slots }: Member, text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
  return slots.run(1, async () => {
    for await (const outcome of judge.ask([text], { signal })) return { ...outcome, index, text };
    throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected ${judge.id} to answer its question, it ended without`);
  });
}
