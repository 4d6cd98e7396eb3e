/** What is stored of an evaluation: every episode, the messages it saw, and means with their intervals. */
import type { EvaluateInput } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { EvaluationRef } from '../../proto/references.js';
import { digestOf } from '../store/artifacts.js';
import type { EvaluatedEpisode } from './evaluation.js';
import { meanInterval, type MeanInterval } from './mean-interval.js';
import type { PlayedEvaluation } from './rollout-host.js';

export const EVALUATION_VERSION = 1;

/** The JSON at layout.evaluation(run, version, suite). */
export interface EvaluationRecord {
  readonly schemaVersion: typeof EVALUATION_VERSION;
  readonly run: string;
  readonly policyVersion: number;
  /** Digest of the policy artefact that was played. */
  readonly policyDigest: string;
  readonly suite: string;
  readonly seed: number;
  readonly environments: number;
  readonly rewards: readonly string[];
  readonly episodeStatistics: readonly string[];
  /** Student's t over episodes that did not fail; a name with fewer than two values is absent. */
  readonly means: Readonly<Record<string, MeanInterval>>;
  readonly failed: number;
  /** Distinct messages of all episodes, raw bytes as latin-1. */
  readonly messages: readonly string[];
  readonly episodes: readonly EpisodeRecord[];
}

export interface EpisodeRecord {
  readonly index: number;
  readonly ended: EvaluatedEpisode['ended'];
  readonly length: number;
  /** In the order of `rewards`. */
  readonly returns: readonly number[];
  /** In the order of `episodeStatistics`. */
  readonly statistics: readonly number[];
  readonly distinctMessages: number;
  /** [position in `messages`, times seen]; at most 4,096 of the distinct messages. */
  readonly messageCounts: readonly (readonly [message: number, count: number])[];
  /** Episodes with one tag have means of their own. */
  readonly tag?: string;
}

/** Equal inputs and episodes give equal bytes. */
export function encodeEvaluation(input: EvaluateInput, played: PlayedEvaluation): Uint8Array {
  const { rewards, episodeStatistics } = played;
  const messages = new Map<string, number>();
  const episodes = played.episodes.map((episode): EpisodeRecord => {
    const messageCounts = episode.messages.map(([text, count]) => {
      const known = messages.get(text);
      if (known === undefined) messages.set(text, messages.size);
      return [known ?? messages.size - 1, count] as const;
    });
    const { index, ended, length, returns, statistics, distinctMessages, tag } = episode;
    return { index, ended, length, returns, statistics, distinctMessages, messageCounts, ...(tag === undefined ? {} : { tag }) };
  });
  const record: EvaluationRecord = {
    schemaVersion: EVALUATION_VERSION,
    run: input.run,
    policyVersion: input.policy.version,
    policyDigest: input.policy.artifact.digest,
    suite: input.suite,
    seed: input.seed,
    environments: input.environments,
    rewards,
    episodeStatistics,
    means: meansOf(episodes, rewards, episodeStatistics),
    failed: episodes.filter((episode) => episode.ended === 'failed').length,
    messages: [...messages.keys()],
    episodes,
  };
  return Buffer.from(`${JSON.stringify(record)}\n`, 'utf8');
}

/**
 * The reference of a stored evaluation.
 * @throws LaurelError LAUREL_STORE_CONFLICT where it is one of another policy, seed or size.
 */
export function evaluationRef(key: string, bytes: Uint8Array, input: EvaluateInput, endpoints: readonly string[]): EvaluationRef {
  const record = JSON.parse(Buffer.from(bytes).toString('utf8')) as EvaluationRecord;
  const found = [record.policyDigest, record.seed, record.environments, record.episodes.length];
  const wanted = [input.policy.artifact.digest, input.seed, input.environments, input.episodes];
  if (found.join() !== wanted.join()) {
    throw new LaurelError('LAUREL_STORE_CONFLICT', `expected ${key} to be of policy, seed, environments and episodes ${wanted.join(', ')}, found ${found.join(', ')}; name the suite differently`, { key });
  }
  const { policyVersion, means } = record;
  return { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: EVALUATION_VERSION, endpoints, version: policyVersion, episodes: record.episodes.length, means };
}

/** Names: `length`, `return.<component>`, `<statistic>`, `distinctMessages`; `length@<tag>` and `return.<component>@<tag>` over the episodes of a tag. */
function meansOf(episodes: readonly EpisodeRecord[], rewards: readonly string[], statistics: readonly string[]): Record<string, MeanInterval> {
  const counted = episodes.filter((episode) => episode.ended !== 'failed');
  const columns: [name: string, value: (episode: EpisodeRecord) => number][] = [
    ['length', (episode) => episode.length],
    ...rewards.map((name, index): [string, (episode: EpisodeRecord) => number] => [`return.${name}`, (episode) => episode.returns[index] ?? NaN]),
    ...statistics.map((name, index): [string, (episode: EpisodeRecord) => number] => [name, (episode) => episode.statistics[index] ?? NaN]),
    ['distinctMessages', (episode) => episode.distinctMessages],
  ];
  const means: Record<string, MeanInterval> = {};
  for (const [name, value] of columns) {
    const interval = meanInterval(counted.map(value));
    if (interval) means[name] = interval;
  }
  const tags = [...new Set(counted.flatMap(({ tag }) => (tag === undefined ? [] : [tag])))].sort();
  for (const tag of tags) {
    for (const [name, value] of columns.slice(0, 1 + rewards.length)) {
      const interval = meanInterval(counted.filter((episode) => episode.tag === tag).map(value));
      if (interval) means[`${name}@${tag}`] = interval;
    }
  }
  return means;
}
