/** Where the data of a job without rollouts comes from: its `data`. Small seeded workloads; each makes named tables. */
import { z } from 'zod';
import { partName } from './part-name.js';

const count = (value: number, what: string) => z.int().min(1).max(200_000).default(value).describe(what);
const share = (value: number, what: string) => z.number().min(0).max(1).default(value).describe(what);

const usersData = z
  .strictObject({
    kind: z.literal('users'),
    features: z.int().min(2).max(64).default(8).describe('Numbers of an answer\'s embedding, standard normal.'),
    taste: z.enum(['linear', 'point']).default('linear').describe('What a user prefers: a direction of the embedding (linear), or what is near a point of it (point).'),
    groups: z.int().min(1).max(16).default(2).describe('Groups of users who want the same.'),
    opposed: z.boolean().default(true).describe('Groups 2k and 2k + 1 want opposite things; else the directions of the groups are at right angles (linear), or their points are (point).'),
    users: count(40, 'Users, equally many of each group; user u belongs to group u modulo groups.'),
    spread: z.number().min(0).max(10).default(0).describe('Deviation of a user from the taste of the group.'),
    pairs: count(2_000, 'Comparisons of the table train, over all users but the new ones.'),
    testPairs: count(1_000, 'Comparisons of the table test, by new users only.'),
    newUsers: z.int().min(0).max(10_000).default(10).describe('Users besides, who made no comparison in train.'),
    contextPairs: z.int().min(1).max(256).default(8).describe('Comparisons of each user in the table context.'),
    noise: share(0, 'Share of the comparisons of train whose answer is turned round; `planted` in the table says which.'),
    temperature: z.number().min(0).max(100).default(0).describe('Answers are drawn by Bradley-Terry with the utility divided by this; 0: the better one is always preferred.'),
  })
  .describe('Synthetic users who compare pairs of embedded answers. Tables train, context (a few comparisons of each user, training and new) and test (new users, with fresh pairs).');

const attributesData = z
  .strictObject({
    kind: z.literal('attributes'),
    features: z.int().min(2).max(64).default(12).describe('Numbers of an answer\'s embedding.'),
    ratedAttributes: z.int().min(1).max(16).nullable().default(null).describe('Only so many attributes, from the first, have ratings; null: all.'),
    attributes: z.int().min(2).max(16).default(4).describe('Rated attributes, linear in the embedding; the last is verbosity where `verbosity` is not 0.'),
    noise: z.number().min(0).max(10).default(0.1).describe('Deviation of a rating.'),
    unrated: share(0, 'Share of ratings that are missing; a missing one is masked.'),
    verbosity: z.number().min(-10).max(10).default(0).describe('How much of the verbosity leaks into each other rating.'),
    topics: z.int().min(1).max(16).default(3).describe('Topics of prompts; each cares for another mixture of the attributes.'),
    ratings: count(1_000, 'Rated answers, table ratings.'),
    pairs: count(2_000, 'Comparisons by the topic\'s own objective, table train.'),
    testPairs: count(1_000, 'Comparisons in the table test.'),
  })
  .describe('Answers with several rated attributes, under prompts whose topic decides which of them counts. Tables ratings, train, test.');

const banditData = z
  .strictObject({
    kind: z.literal('bandit'),
    prompts: z.int().min(1).max(256).default(1).describe('Prompts.'),
    actions: z.int().min(2).max(256).default(6).describe('Answers to each prompt.'),
    objectives: z.int().min(1).max(8).default(2).describe('Reward columns r1, r2, ...; r2 pulls against r1.'),
    conflict: share(0.7, 'How much r2 pulls against r1: 1 is the exact opposite.'),
    labels: z.enum(['first-objective', 'each-objective', 'weighted']).default('first-objective').describe('Whose preferences the pairs hold, as exact Bradley-Terry probabilities: those of r1, those of each objective in turn (column objective), or those of the sum.'),
    attributes: z.int().min(0).max(8).default(0).describe('Above 0: the prompts are requested levels 0 .. prompts - 1 of one attribute, and each answer has a level.'),
  })
  .describe('A policy small enough to know its optimum: every answer of every prompt with its rewards and its log-probability under the reference. Table policy, with all pairs of answers of a prompt.');

const listsData = z
  .strictObject({
    kind: z.literal('lists'),
    features: z.int().min(1).max(64).default(6).describe('Numbers of an answer\'s embedding.'),
    lists: count(1_000, 'Lists in the table lists: one right answer among `size`.'),
    size: z.int().min(2).max(64).default(4).describe('Answers of a list.'),
    advantage: z.number().min(0).max(100).default(1).describe('By how much the right answer is better than the others on average, in deviations.'),
    pairs: count(1_000, 'Pairs of a right and a wrong answer, in random order, table pairs.'),
    pools: count(200, 'Lists without a right answer for best-of-n, table pools, with the gold score.'),
    poolSize: z.int().min(2).max(256).default(16).describe('Answers of such a list.'),
  })
  .describe('Lists of answers with one right one, pairs of the same, and pools for best-of-n. The column gold is the true score.');

const policiesData = z
  .strictObject({
    kind: z.literal('policies'),
    features: z.int().min(2).max(64).default(8).describe('Numbers of a trajectory\'s embedding.'),
    policies: z.int().min(2).max(10_000).default(120).describe('Policies that trajectories of the table train come from.'),
    newPolicies: z.int().min(2).max(10_000).default(40).describe('Policies of the tables test and ranked, which train never saw.'),
    spread: z.number().positive().max(10).default(0.5).describe('Deviation of a trajectory from its policy\'s centre; centres have deviation 1.'),
    nuisance: z.int().min(0).max(64).default(4).describe('Further numbers that differ between trajectories of one policy as much as between policies.'),
    pairs: count(4_000, 'Comparisons in train: a trajectory of the reference\'s policy against one of another.'),
    testPairs: count(1_000, 'Comparisons in test.'),
    triples: count(100, 'Ranked triples in the table ranked: reference, chosen, rejected.'),
  })
  .describe('Trajectories of many policies. Each unit holds an embedding and that of a reference trajectory. Tables train, ranked, test.');

const comparisonsData = z
  .strictObject({
    kind: z.literal('comparisons'),
    topology: z.enum(['chain', 'tree']).default('chain').describe('Pairs of independent answers (chain), or of two leaves of a tree of prefixes (tree).'),
    depth: z.int().min(1).max(10).default(4).describe('Segments of an answer.'),
    branching: z.int().min(2).max(8).default(2).describe('Continuations of a prefix.'),
    segmentTokens: z.int().min(1).max(10_000).default(32).describe('Tokens of a segment.'),
    pairs: count(128, 'Comparisons.'),
    noise: z.number().positive().max(100).default(1).describe('Deviation of the difference that a comparison shows.'),
  })
  .describe('Which pairs are compared: the topology of the comparisons, and what it costs. Table train.');

const tracesData = z
  .strictObject({
    kind: z.literal('traces'),
    pairs: count(500, 'Pairs of traces with the same right answer: one with a sound rationale, one with a broken one.'),
    tokens: z.int().min(1).max(1_000).default(24).describe('Tokens of a rationale.'),
    noise: z.number().min(0).max(10).default(1).describe('Deviation of what is seen of a trace.'),
  })
  .describe('Reasoning traces by what is seen of them: log-probabilities of rationale and answer, likeness to the question, consistency. Tables train and test.');

const behavioursData = z
  .strictObject({
    kind: z.literal('behaviours'),
    coordinates: z.int().min(4).max(64).default(8).describe('Raw coordinates of a behaviour; two features of four of them are what people look at.'),
    triplets: count(6_000, 'Answers to "which of two is more like this one", table triplets.'),
    pairs: count(200, 'Comparisons by a reward that is linear in the features, table train.'),
    testPairs: count(1_000, 'Comparisons in the table test.'),
  })
  .describe('Behaviours whose features are not linear in their coordinates. Tables triplets (lists of three), train, test.');

const expertData = z
  .strictObject({
    kind: z.literal('expert'),
    size: z.int().min(2).max(8).default(5).describe('Cells along a side of the grid.'),
    horizon: z.int().min(1).max(200).default(20).describe('Steps of an episode.'),
    episodes: count(50, 'Episodes of the expert that are seen.'),
    pairs: count(2_000, 'Comparisons of states and actions, for a fit that reads pairs instead.'),
  })
  .describe('An expert of a hidden reward on a grid. Table train: every state with every action, and how often the expert was seen there.');

const proxiesData = z
  .strictObject({
    kind: z.literal('proxies'),
    levels: z.int().min(3).max(41).default(25).describe('Answers are a square of so many levels of two qualities.'),
    most: z.number().positive().max(10).default(3).describe('Highest level; the lowest is 0. Proxy rewards r1 and r2 are the levels themselves.'),
    good: z.number().positive().max(10).default(1).describe('Level of each quality that is truly best: gold = 1 - mean of (level - good)^2.'),
    start: z.number().min(0).max(10).default(0.4).describe('Centre of the reference.'),
    spread: z.number().positive().max(10).default(0.15).describe('Deviation of the reference.'),
  })
  .describe('Two proxy rewards that go on rising where the truth has long begun to fall. Table policy, one prompt.');

/** Columns of answers that can be read off, standard normal; a workload has the first so many. */
export const CRITERIA = ['accurate', 'brief', 'warm', 'deep', 'vivid', 'formal', 'cautious', 'original'] as const;
/** Columns that are 1 where a rule is kept and 0 where it is broken. */
export const HARD_RULES = ['cited', 'complete', 'polite'] as const;

const criteriaData = z
  .strictObject({
    kind: z.literal('criteria'),
    criteria: z.int().min(2).max(CRITERIA.length).default(CRITERIA.length).describe(`Criteria of an answer, the first so many of ${CRITERIA.join(', ')}.`),
    topics: z.int().min(1).max(64).default(4).describe('Topics of prompts.'),
    planted: z.int().min(1).max(CRITERIA.length).default(2).describe('Criteria that a topic cares for; it also has one hard rule that decides where only one answer breaks it.'),
    broken: share(0.15, `Share of answers that break a hard rule, for each of ${HARD_RULES.join(', ')}.`),
    pairs: count(600, 'Pairs of the table train.'),
    testPairs: count(1_000, 'Pairs of the table test.'),
    lists: count(200, 'Lists of the table lists.'),
    listSize: z.int().min(2).max(64).default(5).describe('Answers of a list.'),
  })
  .describe('Answers with criteria and hard rules that can be read off, under prompts whose topic cares for some of them. Column gold: the true score. Tables train, test (pairs), lists.');

/** How a rater departs from the truth: a person little, a language model more and on the kind side. */
export const RATERS = [
  { noise: 0.2, shift: 0 },
  { noise: 0.8, shift: 0.3 },
] as const;

const repliesData = z
  .strictObject({
    kind: z.literal('replies'),
    features: z.int().min(3).max(64).default(12).describe('Numbers of a reply\'s embedding.'),
    humanRatings: count(200, 'Replies rated by people (deviation 0.2), table ratings.'),
    modelRatings: count(1_000, 'Replies rated by a language model (deviation 0.8, 0.3 too high), same table.'),
    unrated: share(0.2, 'Share of the ratings of a dimension that are missing.'),
    testReplies: count(1_000, 'Replies of the table test.'),
    prompts: z.int().min(1).max(256).default(16).describe('Prompts of the table policy.'),
    actions: z.int().min(2).max(256).default(8).describe('Replies to each, with their log-probability under the reference.'),
  })
  .describe('Replies to students with three dimensions (helpful, personal, creative: r1, r2, r3), rated by few people and by a language model. Tables ratings, test, policy.');

const picturesData = z
  .strictObject({
    kind: z.literal('pictures'),
    units: count(1_000, 'States of the table states, each drawn as a picture and embedded.'),
    side: z.int().min(8).max(64).default(16).describe('Pixels along a side of a picture.'),
    clutter: z.number().min(0).max(10).default(1).describe('How much light, its slope, place, length and width of the pole differ between pictures; 0: only the angle does.'),
    gap: z.number().min(0).max(10).default(1).describe('Length of what embeddings of texts have in common and those of pictures have not, both of about length 1.'),
    captionNoise: z.number().min(0).max(10).default(0.3).describe('Length of what is wrong with the embedding of one text.'),
  })
  .describe('A pole that should stand upright, seen as small pictures, and embedded by edges and light in each of 4 x 4 cells (there is no vision language model here): columns embedding, goal, baseline (embeddings that stand for "a pole that stands upright" and "a pole"), angle, gold = (1 + cos(angle)) / 2. Table states.');

const inlineData = z
  .strictObject({
    kind: z.literal('inline'),
    tables: z
      .record(
        partName,
        z.strictObject({
          columns: z.record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/), z.array(z.number()).max(10_000)).describe('Numbers of each unit, by column.'),
          pairs: z.array(z.tuple([z.int().min(0), z.int().min(0)])).max(10_000).optional().describe('Pairs of units; the first is preferred.'),
          lists: z.array(z.tuple([z.int().min(0), z.int().min(1)])).max(10_000).optional().describe('Lists: the first unit, and how many.'),
        }),
      )
      .describe('Tables by name.'),
  })
  .describe('Numbers that stand in the job itself.');

export const dataSchema = z.discriminatedUnion('kind', [usersData, attributesData, banditData, listsData, policiesData, comparisonsData, tracesData, proxiesData, behavioursData, expertData, criteriaData, repliesData, picturesData, inlineData]).describe('The workload.');
export type DataSpec = z.output<typeof dataSchema>;
export type DataSpecOf<Kind extends DataSpec['kind']> = Extract<DataSpec, { kind: Kind }>;

/** Tables that a workload makes. */
export function tablesOf(data: DataSpec): readonly string[] {
  switch (data.kind) {
    case 'users':
      return ['train', 'context', 'test'];
    case 'attributes':
      return ['ratings', 'train', 'test'];
    case 'bandit':
    case 'proxies':
      return ['policy'];
    case 'lists':
      return ['lists', 'pairs', 'pools'];
    case 'policies':
      return ['train', 'ranked', 'test'];
    case 'expert':
    case 'comparisons':
      return ['train'];
    case 'traces':
      return ['train', 'test'];
    case 'behaviours':
      return ['triplets', 'train', 'test'];
    case 'criteria':
      return ['train', 'test', 'lists'];
    case 'replies':
      return ['ratings', 'test', 'policy'];
    case 'pictures':
      return ['states'];
    case 'inline':
      return Object.keys(data.tables);
    default: {
      const never: never = data;
      throw new TypeError(`unknown workload ${JSON.stringify(never)}`);
    }
  }
}

export const curateSchema = z
  .discriminatedUnion('op', [
    z
      .strictObject({
        op: z.literal('strength'),
        from: partName.describe('Table of pairs.'),
        by: z.array(partName).min(2).max(64).describe('Reward models; the strength of a pair is the mean over them of the score difference (arXiv 2401.06080).'),
        action: z.enum(['drop', 'flip', 'soften', 'keep']).describe('What happens to pairs below the threshold: left out, turned round, given the probability sigmoid(strength), or only measured.'),
        lowest: z.number().min(0).max(1).nullable().default(null).describe('This share of the pairs with the lowest strength; null: those with a negative strength.'),
      })
      .describe('Preference strength by several reward models.'),
    z
      .strictObject({
        op: z.literal('consistent'),
        from: partName.describe('Table of pairs.'),
        by: z.array(partName).min(1).max(64).describe('Scorers that all have to agree with the label of a pair for it to be kept.'),
      })
      .describe('Keeps the pairs whose label several scorers reproduce.'),
    z
      .strictObject({
        op: z.literal('gap'),
        from: partName.describe('Table of pairs.'),
        by: partName.describe('Scorer.'),
        least: z.number().describe('Least difference of the scores, preferred minus other.'),
        floor: z.number().nullable().default(null).describe('Least score of the preferred one; null: none.'),
      })
      .describe('Keeps pairs with a clear difference.'),
    z
      .strictObject({
        op: z.literal('represent'),
        from: partName.describe('Table.'),
        by: partName.describe('Source whose scores, all heads of them, become a column.'),
        column: z.string().regex(/^[a-zA-Z][a-zA-Z0-9]*$/).default('representation').describe('Name of the column.'),
        pairs: z.int().min(1).nullable().default(null).describe('Only the first so many pairs; null: all.'),
      })
      .describe('Adds what a source makes of each unit as a column.'),
    z
      .strictObject({
        op: z.literal('rubrics'),
        from: partName.describe('Table of pairs of the workload criteria.'),
        size: z.int().min(1).max(CRITERIA.length).default(2).describe('Principles of a rubric.'),
        noise: z.number().min(0).max(10).default(0.3).describe('Deviation of the noise with which writer and judge see a criterion.'),
      })
      .describe('Writes a rubric from each pair (a hard rule and principles that speak for the preferred one) and keeps the pairs whose rubric gives the label again (after OpenRubrics, arXiv 2510.07743).'),
  ])
  .describe('How a table is made from another; every row says which row it came from and what was done to it.');
export type CurateSpec = z.output<typeof curateSchema>;
export type CurateSpecOf<Op extends CurateSpec['op']> = Extract<CurateSpec, { op: Op }>;
