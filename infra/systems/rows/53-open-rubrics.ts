/** OpenRubrics: rubrics from contrasts, kept where they give the label again. */
import { atLeast, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const openRubrics: SystemRow = {
  row: 53,
  name: 'open-rubrics',
  system: 'OpenRubrics: rubrics written from contrasts, and a judge who uses them',
  paper: '2510.07743',
  checked:
    'Pairs whose topic plants two of eight criteria and one hard rule. From each training pair a scripted writer makes a rubric (a hard rule that only the rejected answer breaks, the two principles in which the preferred one is furthest ahead); it is kept where judging with it gives the label again. Accuracy on fresh pairs of a judge who uses what the kept rubrics of a topic say most often, against one without rubrics; pairs of which one answer breaks the hard rule.',
  reading: 'The rubric of a fresh prompt is the most frequent rule and principles of its topic: it stands for a rubric model. Writer and judge are scripted and see each criterion with noise 0.5.',
  absent: 'Language models that write rubrics and judge by them; rubrics in words.',
  short: true,
  check({ base }) {
    return [
      exactly('kept rubrics that give their label again', measured(base, 'rubrics', 'reproduced'), 1),
      atLeast('accuracy gained over a judge without rubrics', measured(base, 'with-rubrics', 'accuracy') - measured(base, 'without', 'accuracy'), 0.1),
      exactly('pairs with one broken hard rule in which the other answer wins', measured(base, 'rubrics', 'veto.held'), 1),
      reported('share of rubrics kept', measured(base, 'rubrics', 'kept')),
      reported('accuracy with rubrics', measured(base, 'with-rubrics', 'accuracy')),
      reported('accuracy without', measured(base, 'without', 'accuracy')),
      reported('share of pairs with one broken hard rule', measured(base, 'rubrics', 'veto.share')),
    ];
  },
};
