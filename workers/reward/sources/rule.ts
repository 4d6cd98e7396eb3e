/** Source `rule`: what can be checked of a unit without asking anybody, by rules and by programs of a user. */
import { LaurelError, type ErrorCode } from '../../../proto/errors.js';
import type { SourceSpec } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { compileRule } from '../rules/registry.js';
import { isFault, type CompiledRule, type Verdict } from '../rules/rule.js';
import { UnitView } from '../rules/unit-view.js';
import type { UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

/** What is judged: units that differ, and which of them stands for each unit; -1: none, a known 0. */
interface Cases {
  readonly units: readonly UnitView[];
  readonly of: Int32Array;
}

/**
 * A unit without a text has nothing to judge: a known 0. A fault is unknown, with status error, and never 0.
 * @throws LaurelError LAUREL_PROGRAM_INVALID
 */
export function compileRuleSource(name: string, spec: Extract<SourceSpec, { kind: 'rule' }>): CompiledSource {
  const rule = compileRule(spec.rule);
  const { judgeLater } = rule;
  return {
    masked: true,
    ...(rule.numbers ? { numbers: rule.numbers } : {}),
    ...(judgeLater ? { prepare: async (level, _context, work) => judgeLater(casesOf(rule, level).units, work) } : {}),
    evaluate(level, { prepared, report, units }) {
      const cases = casesOf(rule, level);
      const verdicts = judgeLater ? (prepared as readonly Verdict[]) : rule.judge(cases.units);
      if (rule.onError === 'park') expectNoFault(name, verdicts);
      if (report) reportFaults(cases, verdicts, report, units?.own && level.granularity === units.base ? units.own : level.textIndex.keys());
      const columns = Array.from({ length: rule.elements ?? 1 }, () => knownColumn(level.units));
      cases.of.forEach((at, unit) => at >= 0 && columns.forEach((column, element) => write(column, unit, verdicts[at] as Verdict, element)));
      return rule.elements === undefined ? (columns[0] as RewardColumn) : columns;
    },
  };
}

function write(column: RewardColumn, unit: number, verdict: Verdict, element: number): void {
  if (verdict !== null && !isFault(verdict)) {
    column.value[unit] = typeof verdict === 'number' ? verdict : (verdict[element] as number);
    return;
  }
  column.mask[unit] = 0;
  column.confidence[unit] = 0;
  if (verdict !== null) column.status[unit] = REWARD_STATUS.error;
}

/** @param own units of this batch: those before it were told with theirs */
function reportFaults({ of }: Cases, verdicts: readonly Verdict[], report: (code: ErrorCode, units: number) => void, own: Iterable<number>): void {
  const counts = new Map<ErrorCode, number>();
  for (const unit of own) {
    const verdict = verdicts[of[unit] as number] ?? null;
    if (isFault(verdict)) counts.set(verdict.code, (counts.get(verdict.code) ?? 0) + 1);
  }
  for (const [code, count] of counts) report(code, count);
}

function casesOf(rule: CompiledRule, level: UnitLevel): Cases {
  const units: UnitView[] = [];
  const known = new Map<string, number>();
  const of = new Int32Array(level.units).fill(-1);
  for (let unit = 0; unit < level.units; unit++) {
    if (rule.withoutText !== true && (level.textIndex[unit] as number) < 0) continue;
    const view = new UnitView(level, unit);
    const key = rule.textsOnly ? view.textsKey : String(unit);
    const at = known.get(key) ?? units.length;
    if (at === units.length) {
      units.push(view);
      known.set(key, at);
    }
    of[unit] = at;
  }
  return { units, of };
}

function expectNoFault(name: string, verdicts: readonly Verdict[]): void {
  const fault = verdicts.find((verdict) => isFault(verdict));
  if (fault !== undefined && isFault(fault)) throw new LaurelError(fault.code, `the source ${name}: ${fault.message}; correct the program, or let it mask such units (onError)`, { source: name });
}
