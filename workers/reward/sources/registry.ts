/** All kinds of sources. A new kind is a file beside this one, its schema in proto/job.ts, and a line here. */
import type { SourceSpec } from '../../../proto/reward-sources.js';
import { compileEnvSource } from './env.js';
import { compileEmbeddingSource } from './embedding.js';
import { compileImplicitSource } from './implicit.js';
import { compileJudgeSource } from './judge.js';
import { compileModelSource } from './model.js';
import { compileNoveltySource } from './novelty.js';
import { compileOnnxSource } from './onnx.js';
import { compileRuleSource } from './rule.js';
import { compileSpecSource } from './spec.js';
import type { CompiledSource } from './source.js';

export function compileSource(name: string, spec: SourceSpec): CompiledSource {
  switch (spec.kind) {
    case 'env':
      return compileEnvSource(spec);
    case 'rule':
      return compileRuleSource(name, spec);
    case 'model':
      return compileModelSource(name, spec);
    case 'novelty':
      return compileNoveltySource(spec);
    case 'embedding':
      return compileEmbeddingSource(name, spec);
    case 'implicit':
      return compileImplicitSource(spec);
    case 'judge':
      return compileJudgeSource(name, spec);
    case 'onnx':
      return compileOnnxSource(name, spec);
    case 'spec':
      return compileSpecSource(spec);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown source ${JSON.stringify(never)}`);
    }
  }
}
