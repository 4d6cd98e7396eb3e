/** One head for each rating. */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Tensor } from '../../learner/graph/graph.js';
import { gather, unitColumn } from '../../preference/dataset.js';
import { floats, layers, modelFile, objectiveOf, someRows, type Fit, type FitContext } from './fit.js';
import { maskedRegressionLoss } from './losses.js';

/** Ratings stand in the column `rating` [K]; `rated` is 0 where one is missing. */
export function regressionFit(spec: FitSpecOf<'regression'>, { data }: FitContext): Fit {
  const [embedding, rating, rated] = ['embedding', 'rating', 'rated'].map((name) => unitColumn(data, name)) as [ReturnType<typeof unitColumn>, ReturnType<typeof unitColumn>, ReturnType<typeof unitColumn>];
  const objective = objectiveOf((g, scope) => {
    const { output } = layers(scope, 'rating', g.input('embedding', [spec.batch, embedding.width]), spec.hidden, rating.width);
    return { loss: maskedRegressionLoss(g, output, g.input('rating', [spec.batch, rating.width]), g.input('rated', [spec.batch, rating.width])), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(data.rows, 'units'),
    feeds: (rows) => ({
      embedding: floats(gather(embedding, rows), [rows.length, embedding.width]),
      rating: floats(gather(rating, rows), [rows.length, rating.width]),
      rated: floats(gather(rated, rows), [rows.length, rating.width]),
    }),
    files: (parameters) => ({
      model: modelFile(parameters, { embedding: { column: 'embedding', width: embedding.width } }, { score: 'one number for each rating', representation: 'last hidden layer' }, (scope, inputs) => {
        const { output, representation } = layers(scope, 'rating', inputs['embedding'] as Tensor, spec.hidden, rating.width);
        return { score: output, representation };
      }),
    }),
  };
}
