/** docs/errors.md, from the table of codes. Pure. */
import { ERROR_TABLE } from '../../proto/errors.js';

export function errorsPage(): string {
  const entries = Object.entries(ERROR_TABLE).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = entries.map(([code, { retryable, meaning, action }]) => [`## ${code}`, '', meaning, '', `- Tried again by itself: ${retryable ? 'yes' : 'no'}`, `- What to do: ${action}`, ''].join('\n'));
  return [
    '# Errors',
    '',
    'Every error of Laurel has a code that never changes its meaning. It is the first word of what a command prints, the type of the failure in',
    'the Temporal UI, and the field `code` in the logs. The message says what was expected and what came.',
    '',
    'An error that is *tried again by itself* is retried with growing waits for as long as it lasts; the run goes on when it is over. Any other',
    'error in a step parks that step: the run says `NeedsAttention`, and a person sends `retry`, `skip` or `stop`.',
    '',
    'Exit codes of `laurel`: 0 well, 1 failed, 2 what was asked cannot be asked (usage, `LAUREL_JOB_INVALID`, `LAUREL_ENVIRONMENT_UNKNOWN`).',
    '',
    ...sections,
  ].join('\n');
}
