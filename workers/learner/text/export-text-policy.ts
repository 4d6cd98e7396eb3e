/** A text policy as a model that any ONNX runtime runs: one whole text in, log-probabilities of what follows out. */
import type { Job } from '../../../proto/job.js';
import type { TransformerPolicySpec } from '../../../proto/learning.js';
import { canonicalJson } from '../../store/artifacts.js';
import type { TokenTable } from '../../text/tokens.js';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { TrainerState } from '../loss-session.js';
import { Scope } from '../networks/scope.js';
import type { Transformer } from '../transformer/transformer.js';

export interface TextPolicyExport {
  readonly transformer: Transformer;
  readonly tokens: TokenTable;
  readonly policy: TransformerPolicySpec;
  readonly job: Job;
  readonly state: TrainerState;
  readonly version: number;
}

/** `tokens` int64 [1, context], padded behind with any id, gives `log_prob` f32 [context, vocabulary] of the token after each. */
export function exportTextPolicy({ transformer, tokens, policy, job, state, version }: TextPolicyExport): Uint8Array {
  const g = new Graph('policy');
  const scope = new Scope(g, state.parameters);
  const logits = transformer.logits(scope, transformer.features(scope, g.input('tokens', [1, transformer.spec.context], 'int64')));
  g.output('log_prob', op.logSoftmax(g, op.mul(g, logits, g.scalar(1 / policy.temperature))));
  const metadata = {
    'laurel.version': String(version),
    'laurel.environment': canonicalJson(job.environment),
    'laurel.tokens': canonicalJson(tokens),
    'laurel.inputs': JSON.stringify({ tokens: 'ids of laurel.tokens, the prompt first; padded behind' }),
    'laurel.outputs': JSON.stringify({ log_prob: 'log-probabilities of the token after each place; token 0 ends the text' }),
  };
  return g.build({ metadata, doc: 'A text policy trained by Laurel.' });
}
