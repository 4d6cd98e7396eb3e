/** HARMO: a rule where an item can be checked, a surrogate reward model where not, and a penalty on length. */
import { atLeast, atMost, before, measured, reported, within, type StoredRun, type SystemRow } from '../system-row.js';

/**
 * How far the reward of any version was from what the rule says of the items that it can check plus the surrogate of the
 * others, and the share of items that the rule knew from the share that can be checked. The run has no length penalty, so 0
 * means that every single item went where it should.
 */
function misrouted(run: StoredRun | undefined): number {
  const of = (values: Readonly<Record<string, number>>, name: string): number => {
    const value = values[name];
    if (value === undefined) throw new Error(`expected the metric ${name} in ${run?.run ?? 'a run that is missing'}`);
    return value;
  };
  return Math.max(
    ...(run?.metrics ?? []).map(({ values }) => {
      const checkable = of(values, 'reward.checkable');
      const known = 1 - of(values, 'masked.rule');
      return Math.max(Math.abs(known - checkable), Math.abs(of(values, 'reward.total') - known * of(values, 'reward.rule') - of(values, 'reward.surrogate')));
    }),
  );
}

export const harmo: SystemRow = {
  row: 27,
  name: 'harmo',
  system: 'HARMO: a rule for what can be checked, a surrogate reward model for the rest, and a length penalty',
  paper: '2510.05283',
  checked:
    'Half of the prompts are sums with one right answer, half ask for letters that go with a field, which a surrogate likes the more the longer they are. The rule is unknown, and adds nothing, where there is no answer to check; the surrogate counts there alone. GRPO, with a length penalty and without. Mean length of free texts on held-out prompts before and after, and by how much the reward of any version differs from that of the rule on checkable items and that of the surrogate on the others.',
  reading: 'The length penalty r - kappa max(0, (L - target) / target) is our own: its form was not found. The surrogate is 1 - exp(-letters of the field / 4). One seed.',
  absent: 'That the policy gets better at the sums: the few right answers that imitation left are lost on the way, which is reported, not judged. An embedding as surrogate, confidence of the rule between 0 and 1, instruction adherence; images.',
  short: false,
  variants: { unpenalised: { combine: { weights: { brevity: 0 } } } },
  check({ base, unpenalised }) {
    const start = before(base, 'length@open');
    const [kept, drifted] = [measured(base, 'policy', 'length@open') / start, measured(unpenalised, 'policy', 'length@open') / before(unpenalised, 'length@open')];
    return [
      atMost('largest difference of the reward from rule and surrogate, each on its own items', misrouted(unpenalised), 1e-5),
      reported('mean length of free texts after the warm start, tokens', start),
      within('mean length at the end by that at the start, with the penalty', kept, 0.8, 1.2),
      atLeast('the same without it', drifted, 2),
      reported('right answers among the checkable, after the warm start', before(base, 'return.right@checkable')),
      reported('the same at the end, with the penalty', measured(base, 'policy', 'return.right@checkable')),
    ];
  },
};
