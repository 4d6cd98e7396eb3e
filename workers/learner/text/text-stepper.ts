/** Optimiser steps of a transformer on rows of tokens: one session for each length, made when it is first needed. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { AdamSpec } from '../graph/adam.js';
import { Graph, type Tensor } from '../graph/graph.js';
import { LossSession, parameterFeeds, type Feeds, type Loss, type TrainerState } from '../loss-session.js';
import { Scope } from '../networks/scope.js';
import type { Trained } from '../trainee.js';
import { tokenLogProbs } from '../transformer/token-log-probs.js';
import type { Transformer } from '../transformer/transformer.js';
import type { TextRows } from './text-batch.js';

/** What a loss over completions is made from, besides its own inputs; each f32 [B, T]. */
export interface TokenTensors {
  readonly logProb: Tensor;
  readonly entropy: Tensor;
  readonly mask: Tensor;
}

export type TextLoss = (g: Graph, tokens: TokenTensors, rows: number, length: number) => Loss;

const SESSION = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const satisfies InferenceSession.SessionOptions;

export class TextStepper {
  private readonly training = new Map<string, Promise<LossSession>>();
  private readonly scoring = new Map<string, Promise<InferenceSession>>();

  constructor(
    private readonly transformer: Transformer,
    private readonly temperature: number,
    private readonly adam: AdamSpec,
    private readonly loss: TextLoss,
  ) {}

  /** @param feeds what the loss asks for by name. @throws LaurelError LAUREL_NUMBER_INVALID */
  async step(state: TrainerState, rows: TextRows, feeds: Feeds): Promise<Trained> {
    const session = await this.session(rows);
    return session.step(state, { ...rowFeeds(rows), mask: new OrtTensor('float32', rows.mask, [rows.rows, rows.length]), ...feeds });
  }

  /** Log-probability [B, T] of each target under given parameters. */
  async logProbs(parameters: Readonly<Record<string, Float32Array>>, rows: TextRows): Promise<Float32Array> {
    const key = `${rows.rows}/${rows.length}`;
    let session = this.scoring.get(key);
    if (!session) {
      const g = new Graph('log-probs');
      g.output('log_prob', this.tokens(g, new Scope(g), rows).logProb);
      this.scoring.set(key, (session = InferenceSession.create(g.build(), SESSION)));
    }
    const results = await (await session).run({ ...parameterFeeds(this.transformer.parameters, parameters), ...rowFeeds(rows) });
    return (results['log_prob'] as OrtTensor).data as Float32Array;
  }

  async release(): Promise<void> {
    for (const session of [...this.training.values(), ...this.scoring.values()]) await (await session).release();
    this.training.clear();
    this.scoring.clear();
  }

  private session(rows: TextRows): Promise<LossSession> {
    const key = `${rows.rows}/${rows.length}`;
    const known = this.training.get(key);
    if (known) return known;
    const made = LossSession.create(
      {
        parameters: this.transformer.parameters,
        build: (g, scope) => this.loss(g, { ...this.tokens(g, scope, rows), mask: g.input('mask', [rows.rows, rows.length]) }, rows.rows, rows.length),
      },
      this.adam,
    );
    this.training.set(key, made);
    return made;
  }

  private tokens(g: Graph, scope: Scope, { rows, length }: TextRows): { logProb: Tensor; entropy: Tensor } {
    const features = this.transformer.features(scope, g.input('tokens', [rows, length], 'int64'));
    return tokenLogProbs(g, this.transformer.logits(scope, features), g.input('targets', [rows, length], 'int64'), this.temperature);
  }
}

function rowFeeds({ tokens, targets, rows, length }: TextRows): Feeds {
  return { tokens: new OrtTensor('int64', tokens, [rows, length]), targets: new OrtTensor('int64', targets, [rows, length]) };
}
