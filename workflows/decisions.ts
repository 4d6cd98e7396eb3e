/** What a person may tell a run, about a parked step or all of it: checked before it leaves a trace, refused with a code. */
import { ApplicationFailure } from '@temporalio/workflow';
import { z } from 'zod';
import type { Attention, ControlInput, Decision, DecisionInput } from '../proto/status.js';

const by = z.string().min(1).max(200).optional().describe('Who decides.');
const decisionSchema = z.strictObject({ id: z.string().optional().describe('Id of the parked step; default: the oldest.'), by });
const controlSchema = z.strictObject({ by });

/** The update is answered with this code; nothing of it stands in the history. */
export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'LAUREL_UPDATE_REFUSED', message, nonRetryable: true });
}

/** @throws ApplicationFailure LAUREL_UPDATE_REFUSED, with what is wrong with the input */
export function checkInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  throw refusal(parsed.error.issues.map(({ path, message }) => `${path.length === 0 ? 'the input' : path.join('.')}: ${message}`).join('; '));
}

/** Of `pause`, `resume` and `stop`. @throws ApplicationFailure LAUREL_UPDATE_REFUSED */
export function checkControl(input?: ControlInput): void {
  checkInput(controlSchema, input);
}

/**
 * The step that a decision is about: the one it names, else the oldest.
 * @throws ApplicationFailure LAUREL_UPDATE_REFUSED where there is none, or where it does not have that choice
 */
export function parkedStep(attention: readonly Attention[], decision: Decision, input: DecisionInput | undefined): Attention {
  const { id } = checkInput(decisionSchema, input);
  const [oldest] = attention;
  if (oldest === undefined) throw refusal('nothing needs attention');
  const named = id === undefined ? oldest : attention.find((one) => one.id === id);
  if (named === undefined) throw refusal(`expected one of the parked steps ${attention.map((one) => one.id).join(', ')}, got ${id}`);
  if (!named.choices.includes(decision)) throw refusal(`expected one of ${named.choices.join(', ')} for ${named.step}, got ${decision}${decision === 'void' ? ': it holds no segments' : ''}`);
  return named;
}
