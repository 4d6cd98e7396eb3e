/**
 * A judge that is read as a reward, through the whole pipeline: what it says is what is trained on, and the death of the
 * worker that asks it makes nobody ask again what is recorded.
 */
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { historiesOf } from '../../infra/chaos/histories.js';
import { findProcesses, signal } from '../../infra/chaos/processes.js';
import { readTables } from '../../proto/flight/tables.js';
import type { JobInput } from '../../proto/job.js';
import type { UpdateRecord } from '../../workers/learner/update-record.js';
import { listText, reversedList } from '../../workers/annotator/list.js';
import { judgePromptOf } from '../../workers/annotator/prompts/registry.js';
import { completionUnits } from '../../workers/reward/completion-units.js';
import { componentOf, decodeRewards } from '../../workers/reward/reward-record.js';
import { levelOf, textOf } from '../../workers/reward/units.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { checkInvariants } from '../../workers/verify/invariants.js';
import { Project } from '../infra/cli-process.js';
import { judgeServer, textReply, type JudgeRequest } from '../unit/annotator/judge-server.js';

const RUN = 'judged';
const PRINCIPLE = 'It has many quotation marks.';
const VERSIONS = 4;
/** Segments whose answers are recorded, and questions of the next one that are answered, before one is held back. */
const RECORDED_BEFORE = 2;
const ANSWERED_BEFORE = 2;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function job(baseUrl: string): JobInput {
  return {
    name: RUN,
    environment: { kind: 'text', task: { name: 'json-recipe' }, completionTokensMax: 24 },
    policy: { kind: 'transformer', preset: 'tiny' },
    sources: { better: { kind: 'judge', mode: 'listwise', principle: PRINCIPLE, judge: { kind: 'openai', baseUrl, model: 'm', concurrency: 1 } } },
    combine: { op: 'linear', weights: { better: 1 } },
    learn: { kind: 'group-policy-gradient', groupSize: 4, batchSegments: 2, warmStart: { steps: 20 } },
    rollout: { shards: 2, environmentsPerShard: 4 },
    schedule: { mode: 'lockstep', segmentsPerCall: 1 },
    evaluate: { episodes: 0 },
    stop: { versions: VERSIONS },
    seed: 5,
  };
}

/** The verdict of this judge on one text. */
function scoreOf(text: string): number {
  return 1 + Math.min(4, text.split('"').length - 1);
}

/** What the judge is shown: what its requests are told apart by. */
function contentOf({ body }: JudgeRequest): string {
  return (body['messages'] as readonly { readonly content: string }[]).at(-1)!.content;
}

function verdict(request: JudgeRequest): string {
  const texts = [...contentOf(request).matchAll(/^([A-Z]): (.*)$/gmu)];
  return JSON.stringify({ scores: Object.fromEntries(texts.map(([, label, text]) => [label, scoreOf(text!)])) });
}

/** Of each segment: its texts, and what the judge must have been shown, in both orders. */
async function segmentsOf(store: LocalStore): Promise<Map<string, { readonly texts: readonly string[]; readonly asked: readonly string[] }>> {
  const prompt = judgePromptOf({ mode: 'listwise', principle: PRINCIPLE, prompt: null });
  const found = new Map<string, { texts: string[]; asked: string[] }>();
  for (const { key } of await store.list(layout.segments(RUN))) {
    const level = levelOf(completionUnits(readTables((await store.get(key))!)[0]!), 'episode');
    const texts = Array.from({ length: level.units }, (_, unit) => textOf(level, unit)!);
    const groups = [...new Set(level.group!)].map((group) => texts.flatMap((text, unit) => (level.group![unit] === group ? [{ text, unit }] : [])));
    const { prompt: tasks } = level.strings;
    const questions = groups.map((group) => listText(tasks!.texts[tasks!.index[group[0]!.unit]!]!, group.map(({ text }) => text)));
    found.set(key, { texts, asked: [...new Set(questions.flatMap((question) => [question, reversedList(question)]).map((question) => prompt.chat(question)[1]!.content))] });
  }
  return found;
}

it.runIf(process.platform === 'linux')('trains on what a judge says of whole groups, and asks it once, although the worker that asks is killed', async () => {
  const project = await Project.make();
  cleanups.push(() => project.remove());
  const recorded = (): string[] => ['0', '1'].flatMap((shard) => readdirSync(join(project.store, layout.judgements(RUN, 'better', Number(shard), 0), '..'), { withFileTypes: true }).map(({ name }) => `${Number(shard)}/${Number.parseInt(name, 10)}`));
  const recordsThere = (): number => {
    try {
      return recorded().length;
    } catch {
      return 0;
    }
  };
  let held: (() => void) | undefined;
  let since = 0;
  const server = await judgeServer(async (request) => {
    // One question is still open when its worker dies, and others of its segment are answered.
    if (held === undefined && recordsThere() >= RECORDED_BEFORE && since++ >= ANSWERED_BEFORE) await new Promise<void>((resolve) => (held = resolve));
    return textReply(verdict(request));
  });
  cleanups.push(() => server.close());
  const file = join(project.folder, 'job.json');
  await writeFile(file, JSON.stringify(job(server.baseUrl)));
  const store = new LocalStore(project.store);

  const cli = project.start(['run', file]);
  while (held === undefined) await Promise.race([wait(50), cli.ended.then(({ output }) => Promise.reject(new Error(`expected a question to hold back:\n${output}`)))]);
  const killed = findProcesses(project.state).filter(({ kind }) => kind === 'reward');
  expect(killed).toHaveLength(1);
  expect(signal(killed[0]!.pid, 'SIGKILL')).toBe(true);
  while (findProcesses(project.state).some(({ pid }) => pid === killed[0]!.pid)) await wait(20);
  const before = { recorded: new Set(recorded()), asked: server.requests.map(contentOf) };
  held();
  const { code, output } = await cli.ended;
  expect(code, output).toBe(0);

  // What it said is what was trained on.
  const segments = await segmentsOf(store);
  const values = new Set<number>();
  for (const update of await store.list(layout.updates(RUN))) {
    for (const { key } of (await readJson<UpdateRecord>(store, update.key))!.rewards) {
      const rewards = decodeRewards((await store.get(key))!);
      const expected = segments.get(rewards.body.segment.key)!.texts.map((text) => (scoreOf(text) - 1) / 4);
      for (const name of ['better', 'total']) {
        const { value, mask } = componentOf(rewards, name);
        expect([[...value], mask.every((known) => known === 1)]).toEqual([expected, true]);
      }
      for (const value of expected) values.add(value);
    }
  }
  expect(values.size).toBeGreaterThan(1);

  // Asked once for each segment that shows it; only what was not recorded at the kill may have been asked again.
  const places = [...segments].map(([key, { asked }]) => ({ place: key.match(/segments\/(\d+)\/(\d+)/)!.slice(1).map(Number).join('/'), asked }));
  const counted = (contents: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const content of contents) counts.set(content, (counts.get(content) ?? 0) + 1);
    return counts;
  };
  const wanted = counted(places.flatMap(({ asked }) => asked));
  const lost = counted(places.flatMap(({ place, asked }) => (before.recorded.has(place) ? [] : asked.filter((content) => before.asked.includes(content)))));
  const got = counted(server.requests.map(contentOf));
  expect([...got.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [content, count] of got) expect(count, content).toBeLessThanOrEqual(wanted.get(content)! + (lost.get(content) ?? 0));
  expect(before.recorded.size).toBeGreaterThanOrEqual(RECORDED_BEFORE);
  expect(before.recorded.size).toBeLessThan(places.length);
  expect(lost.size).toBeGreaterThan(ANSWERED_BEFORE);
  expect(server.openMax()).toBe(1);

  expect((await checkInvariants({ store, run: RUN, histories: await historiesOf(project.state, RUN), over: true })).faults).toEqual([]);
  const requests = server.requests.length;
  const verified = await project.run(['verify', RUN, '--all']);
  expect(verified.code, verified.output).toBe(0);
  expect(verified.output).toMatch(new RegExp(`${places.length} rewards computed, ${VERSIONS} updates of ${VERSIONS}[\\s\\S]*no difference`));
  expect(server.requests.length).toBe(requests);
}, 180_000);
