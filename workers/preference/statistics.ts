/** Correlations, calibration and ranks of numbers. */

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] as number;
  return values.length === 0 ? 0 : sum / values.length;
}

/** 0 where one of both does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const [da, db] = [(a[index] as number) - meanA, (b[index] as number) - meanB];
    product += da * db;
    squareA += da * da;
    squareB += db * db;
  }
  return squareA === 0 || squareB === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}

export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranks(a), ranks(b));
}

/** Ranks from 0; equal values share the mean of theirs. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, index) => index).sort((x, y) => (values[x] as number) - (values[y] as number));
  const out = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let at = from; at < to; at++) out[order[at] as number] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

/** Kendall's tau-b. Looks at every pair: for some thousand values at most. */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [concordant, tiedA, tiedB, all] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++)
    for (let j = i + 1; j < a.length; j++) {
      const [x, y] = [Math.sign((a[i] as number) - (a[j] as number)), Math.sign((b[i] as number) - (b[j] as number))];
      concordant += x * y;
      if (x === 0) tiedA++;
      if (y === 0) tiedB++;
      all++;
    }
  const norm = Math.sqrt((all - tiedA) * (all - tiedB));
  return norm === 0 ? 0 : concordant / norm;
}

/** Expected calibration error of probabilities against outcomes in [0, 1], over equally wide bins. */
export function calibrationError(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>, bins = 10): number {
  const sums = Array.from({ length: bins }, () => ({ probability: 0, outcome: 0 }));
  for (let index = 0; index < probabilities.length; index++) {
    const p = probabilities[index] as number;
    const bin = sums[Math.min(bins - 1, Math.floor(p * bins))] as { probability: number; outcome: number };
    bin.probability += p;
    bin.outcome += outcomes[index] as number;
  }
  return sums.reduce((error, { probability, outcome }) => error + Math.abs(probability - outcome), 0) / Math.max(1, probabilities.length);
}

/** Values to mean 0 and deviation 1; values that are all the same become 0. */
export function standardised(values: Float32Array): Float32Array {
  const centre = mean(values);
  const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
  return values.map((value) => (deviation === 0 ? 0 : (value - centre) / deviation));
}
