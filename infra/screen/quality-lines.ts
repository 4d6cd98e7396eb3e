/** How good labels and rewards are, and what labels cost, on the screen. Pure. */
import { parkingText } from '../../proto/budget.js';
import { warningText, type LabelQuality } from '../../proto/quality.js';
import type { AnnotationStatus, RunStatus } from '../../proto/status.js';
import { formatNumber, formatShare, printable } from './format.js';
import type { Paint } from './view.js';

/** Characters of a message that are shown. */
const MESSAGE_MAX = 60;
/** Standard errors beyond which a change of the positive rate is told. */
const DRIFT_SHOWN = 3;

/** A row for each annotator, one for each source that has paid, and the warnings; none where nothing is known yet. */
export function qualityRows(status: RunStatus): { readonly rows: readonly [string, string][]; readonly warnings: readonly string[] } {
  const several = status.annotations.length > 1;
  const labels = status.annotations.flatMap(({ source, quality }): [string, string][] => {
    const text = quality === undefined ? '' : labelsText(quality);
    return text === '' ? [] : [[several ? `judge: ${source}` : 'judge', text]];
  });
  const pays = (status.rewardQuality?.sources ?? []).flatMap(({ source, top, observations, known }): [string, string][] => {
    const [most] = top;
    if (most === undefined) return [];
    return [[`pays`, `${source}: ${quote(most.key)} brings ${formatShare(most.share)}; ${formatShare(observations === 0 ? 0 : known / observations)} of messages known`]];
  });
  return { rows: [...labels, ...pays], warnings: (status.rewardQuality?.warnings ?? []).map((warning) => warningText(warning, quote)) };
}

/** What annotation has cost, and whether a budget keeps it from asking. */
export function budgetRows({ budget }: AnnotationStatus, paint: Paint, name: string): [string, string][] {
  if (budget === undefined) return [];
  const uses = budget.uses.map(({ scope, unit, used, limit }) => `${formatNumber(used)}${limit === null ? '' : ` of ${formatNumber(limit)}`} ${unit} (${scope})`);
  return [...(uses.length === 0 ? [] : [[name, uses.join(', ')] as [string, string]]), ...(budget.parked === null ? [] : [[name, paint.warn(`${parkingText(budget.parked)}; laurel steer --budget raises it`)] as [string, string]])];
}

function labelsText({ agreement, drift }: LabelQuality): string {
  const parts = [
    ...(agreement === null || agreement.accuracy === null ? [] : [`agrees with ${formatShare(agreement.accuracy)} of ${agreement.count} labelled messages${agreement.kappa === null ? '' : ` (kappa ${formatNumber(agreement.kappa)})`}, calibration error ${formatNumber(agreement.ece ?? Number.NaN)}`]),
    ...(drift.z === null || Math.abs(drift.z) < DRIFT_SHOWN ? [] : [`positive rate went from ${formatShare(drift.early ?? 0)} to ${formatShare(drift.late ?? 0)}`]),
  ];
  return parts.join('; ');
}

function quote(key: string): string {
  const text = printable(key);
  return `"${text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}…` : text}"`;
}
