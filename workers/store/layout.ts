/** Every key of the store in one place (docs/design.md, section 4). */

/** Ten digits, so that keys sort as the numbers do. */
const digits = (value: number): string => String(value).padStart(10, '0');

export const layout = {
  spec: (run: string) => `runs/${run}/spec.json`,
  /** How texts become tokens in this run. */
  tokens: (run: string) => `runs/${run}/tokens.json`,
  segment: (run: string, shard: number, seq: number) => `runs/${run}/segments/${digits(shard)}/${digits(seq)}.arrow`,
  rewards: (run: string) => `runs/${run}/rewards/`,
  policies: (run: string) => `runs/${run}/policies/`,
  /** What a sweep removed, and why. */
  sweep: (run: string, number: number) => `runs/${run}/sweeps/${digits(number)}.json`,
  sweeps: (run: string) => `runs/${run}/sweeps/`,
  segments: (run: string) => `runs/${run}/segments/`,
  reward: (run: string, shard: number, seq: number, scoring: string) => `runs/${run}/rewards/${digits(shard)}/${digits(seq)}/${scoring}.arrow`,
  /** What a live judge answered about a segment. */
  judgements: (run: string, source: string, shard: number, seq: number) => `runs/${run}/judgements/${source}/${digits(shard)}/${digits(seq)}.json`,
  update: (run: string, version: number) => `runs/${run}/updates/${digits(version)}.json`,
  updates: (run: string) => `runs/${run}/updates/`,
  /** Parameters of one version as an Arrow table, for rollout workers. */
  policy: (run: string, version: number) => `runs/${run}/policies/${digits(version)}.arrow`,
  checkpoint: (run: string, version: number) => `runs/${run}/checkpoints/${digits(version)}/model.safetensors`,
  checkpoints: (run: string) => `runs/${run}/checkpoints/`,
  checkpointPolicy: (run: string, version: number) => `runs/${run}/checkpoints/${digits(version)}/policy.onnx`,
  evaluation: (run: string, version: number, suite: string) => `runs/${run}/evaluations/${digits(version)}-${suite}.json`,
  evaluations: (run: string) => `runs/${run}/evaluations/`,
  /** Tables, fits and models of a run without rollouts. */
  table: (run: string, name: string) => `runs/${run}/tables/${name}.arrow`,
  fitCheckpoint: (run: string, name: string, step: number) => `runs/${run}/fits/${name}/${digits(step)}.safetensors`,
  model: (run: string, name: string, role: string) => `runs/${run}/models/${name}/${role}.onnx`,
  summary: (run: string) => `runs/${run}/summary.json`,
  /** Lines of metrics while the run goes on; `metrics` joins them at its end. */
  metricsPart: (run: string, part: number) => `runs/${run}/metrics/${digits(part)}.jsonl`,
  metricsParts: (run: string) => `runs/${run}/metrics/`,
  metrics: (run: string) => `runs/${run}/metrics.jsonl`,
  report: (run: string) => `runs/${run}/report.html`,
  label: (annotator: string, position: number) => `labels/${annotator}/${digits(position)}.arrow`,
  labels: (annotator: string) => `labels/${annotator}/`,
  /** Entries of a block of the log, together (workers/annotator/label-entries). */
  labelPack: (annotator: string, block: number) => `label-packs/${annotator}/${digits(block)}.gz`,
  labelPacks: (annotator: string) => `label-packs/${annotator}/`,
  /** What a process is about to ask (workers/annotator/claims). */
  claim: (annotator: string, position: number) => `claims/${annotator}/${digits(position)}.json`,
  claims: (annotator: string) => `claims/${annotator}/`,
  /** What the answers of annotators were compared with; `name` says which set, the digest which content. */
  labelledSet: (name: string, digest: string) => `labelled/${name}/${digest.replace('sha256:', '')}.jsonl`,
  labelledSets: (name: string) => `labelled/${name}/`,
  rescoring: (run: string, name: string) => `runs/${run}/rescorings/${name}.json`,
  rewardModel: (annotator: string, fit: string, position: number) => `reward-models/${annotator}/${fit}/${digits(position)}.onnx`,
  rewardModels: (annotator: string, fit: string) => `reward-models/${annotator}/${fit}/`,
  annotator: (annotator: string) => `annotators/${annotator}.json`,
  annotators: 'annotators/',
  /** A file that a job names; its name is its content. */
  userFile: (digest: string) => `files/${digest.replace('sha256:', '')}`,
} as const;
