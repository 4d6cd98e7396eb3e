/**
 * The Arrow schemas of everything that is stored or moved, and the check that a reader makes.
 * Workflows do not import this module (apache-arrow does not belong into their sandbox).
 */
import type { Table } from 'apache-arrow';
import { LaurelError } from './errors.js';

/** Kind and version stand in the schema metadata of every table, under these keys. */
export const METADATA_KIND = 'laurel.kind';
export const METADATA_VERSION = 'laurel.schema_version';
/** JSON that belongs to the table as a whole (see the table's own metadata type). */
export const METADATA_BODY = 'laurel.body';

export const SCHEMA_VERSIONS = { segment: 1, 'segment-boundary': 1, completions: 1, reward: 1, label: 2, 'pair-label': 1, policy: 1, units: 1, pairs: 1, lists: 1 } as const;
export type TableKind = keyof typeof SCHEMA_VERSIONS;

/**
 * A segment file is two Arrow streams back to back: the transitions, then the boundary.
 *
 * Transitions, environment-major (row = environment * steps + step):
 * `environment, episode, step` i32 (step: 0-based within its episode) ·
 * `observation.<name>` FixedSizeList in the tensor's own type: what the policy saw before the action ·
 * `action` i32, or FixedSizeList<f32> for continuous · `behaviour_log_prob`, `value` f32 ·
 * `bootstrap_value` f32: value of the successor state where the next row is not its successor (last row of an
 * environment, truncated rows), else 0; 0 where the episode terminated ·
 * `env_reward` FixedSizeList<f32, K> · `terminated`, `truncated` u8 · `text` binary: the message that follows the
 * action · `text_count` i32: times this text was seen in this episode, this one included (0: no text) ·
 * `policy_version` i32.
 *
 * Boundary, one row for each environment: the state from which the next segment begins, and the state this one began with.
 * `observation.<name>`: the observation after the last step (the bootstrap observation) · `bootstrap_value` f32 ·
 * `state_start`, `state_end` FixedSizeList<f32, S>: recurrent state (S = 0: no column) · `episode` i32: the episode that
 * runs after the last step · `episode_steps` i32: its steps so far · `episode_actions` binary: its actions so far (i32 or
 * f32, little endian) · `episode_returns` FixedSizeList<f32, K> · `observation_digest` utf8: sha256 of the observation rows.
 */
export const SEGMENT_COLUMNS = {
  environment: 'environment',
  episode: 'episode',
  step: 'step',
  observationPrefix: 'observation.',
  action: 'action',
  behaviourLogProb: 'behaviour_log_prob',
  value: 'value',
  bootstrapValue: 'bootstrap_value',
  envReward: 'env_reward',
  terminated: 'terminated',
  truncated: 'truncated',
  text: 'text',
  textCount: 'text_count',
  policyVersion: 'policy_version',
} as const;

export const BOUNDARY_COLUMNS = {
  stateStart: 'state_start',
  stateEnd: 'state_end',
  episode: 'episode',
  episodeSteps: 'episode_steps',
  episodeActions: 'episode_actions',
  episodeReturns: 'episode_returns',
  observationDigest: 'observation_digest',
} as const;

/**
 * Completions: the segment of a policy that writes texts, one Arrow stream. Row = prompt * group size + sample:
 * `group` i32: number of the prompt in its shard, counted from the start of the run · `sample` i32: 0 .. group size - 1 ·
 * `prompt_tokens`, `completion_tokens` List<i32>: as they were fed and drawn, the end token included · `behaviour_log_prob`
 * List<f32>: of each token of the completion, nats · `prompt`, `truth` utf8: the prompt, and what is true of it as JSON ·
 * `env_reward` FixedSizeList<f32, K>: the graders of the task · `terminated` u8: it ended with the end token ·
 * `truncated` u8: it was cut at the longest length · `text` binary: the completion, UTF-8 · `text_count` i32: 1 ·
 * `policy_version` i32.
 */
export const COMPLETION_COLUMNS = {
  group: 'group',
  sample: 'sample',
  promptTokens: 'prompt_tokens',
  completionTokens: 'completion_tokens',
  behaviourLogProb: 'behaviour_log_prob',
  prompt: 'prompt',
  truth: 'truth',
  envReward: 'env_reward',
  terminated: 'terminated',
  truncated: 'truncated',
  text: 'text',
  textCount: 'text_count',
  policyVersion: 'policy_version',
} as const;

/**
 * Rewards, row i for transition i of the segment: `unit` i32 · `value` FixedSizeList<f32, K> · `mask` FixedSizeList<u8, K>
 * (0: unknown; the value is then 0 and must not be used) · `confidence` f32 · `status` u8 · `version` u32: entries of the
 * label log that the value was made from. The K components are named in the metadata body: each source after shaping, and last `total`.
 */
export const REWARD_COLUMNS = { unit: 'unit', value: 'value', mask: 'mask', confidence: 'confidence', status: 'status', version: 'version' } as const;
export const REWARD_STATUS = { final: 0, pending: 1, error: 2 } as const;

/**
 * Labels: `text` binary · `label` f32 (probability that the message is helpful; NaN where the status is not ok) ·
 * `status` u8 · `reply` utf8 (raw, at most 8 KiB) · `model`, `prompt_hash` utf8 · `tokens_in`, `tokens_out` i32 ·
 * `latency_ms` f32 · `attempt` i32 · `asked_at` utf8 (ISO 8601).
 */
export const LABEL_COLUMNS = {
  text: 'text',
  label: 'label',
  status: 'status',
  reply: 'reply',
  model: 'model',
  promptHash: 'prompt_hash',
  tokensIn: 'tokens_in',
  tokensOut: 'tokens_out',
  latencyMs: 'latency_ms',
  attempt: 'attempt',
  askedAt: 'asked_at',
} as const;
/**
 * Labels of pairs (kind `pair-label`): as above, `text` being the first message and `second` binary the other, in the order
 * in which the judge saw them; `label`: probability that the first is preferred, a tie counting one half · `choice` u8:
 * 0 none, 1 first, 2 second, 3 tie.
 */
export const PAIR_LABEL_COLUMNS = { ...LABEL_COLUMNS, second: 'second', choice: 'choice' } as const;
export const LABEL_STATUS = ['ok', 'unparsable', 'refused', 'error'] as const;
export type LabelStatus = (typeof LABEL_STATUS)[number];

/** Parameters of a policy: one row for each tensor. `name` utf8 · `shape` utf8 (JSON) · `data` binary (f32, little endian). */
export const POLICY_COLUMNS = { name: 'name', shape: 'shape', data: 'data' } as const;

export function tableMetadata(kind: TableKind, body: unknown): Map<string, string> {
  return new Map([
    [METADATA_KIND, kind],
    [METADATA_VERSION, String(SCHEMA_VERSIONS[kind])],
    [METADATA_BODY, JSON.stringify(body)],
  ]);
}

/**
 * Checks kind, version and columns of a table that was read, and gives its metadata body.
 * @throws LaurelError LAUREL_SCHEMA_MISMATCH
 */
export function checkTable<Body>(table: Table, kind: TableKind, columns: readonly string[]): Body {
  const metadata = table.schema.metadata;
  const foundKind = metadata.get(METADATA_KIND);
  const foundVersion = metadata.get(METADATA_VERSION);
  const version = String(SCHEMA_VERSIONS[kind]);
  if (foundKind !== kind || foundVersion !== version) {
    throw new LaurelError(
      'LAUREL_SCHEMA_MISMATCH',
      `expected a table of kind ${kind}, schema version ${version}, got kind ${foundKind ?? 'none'}, version ${foundVersion ?? 'none'}; read it with the version of Laurel that wrote it`,
      { kind, foundKind, foundVersion },
    );
  }
  const names = table.schema.fields.map((field) => field.name);
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected the columns ${missing.join(', ')} in a table of kind ${kind}, got ${names.join(', ')}`, { kind, missing });
  }
  return JSON.parse(metadata.get(METADATA_BODY) ?? 'null') as Body;
}
