/** The goal-baseline regularised reward of VLM-RM (Rocamonde et al., arXiv 2310.12921, definition 1), on vectors. */

/**
 * 1 - |a proj_L(s - g) + (1 - a)(s - g)|^2 / 2. s, g and b are scaled to length 1 first; L is the line from b to g, and
 * what is off it counts with (1 - a)^2 only: the value is 1 - p^2 / 2 - (1 - a)^2 q^2 / 2 for the part p of s - g along the
 * line and q across it. With a = 0 it is the cosine of s and g.
 * @param state s @param goal g @param baseline b; undefined: the line through the origin
 * @param alpha a, from 0 to 1
 * @returns at most 1; at least -1, as two vectors of length 1 are 2 apart at most
 */
export function projected(state: ArrayLike<number>, goal: ArrayLike<number>, baseline: ArrayLike<number> | undefined, alpha: number): number {
  const [s, g] = [unitVector(state), unitVector(goal)];
  const from = baseline && unitVector(baseline);
  const off = s.map((value, index) => value - (g[index] as number));
  const line = from ? unitVector(g.map((value, index) => value - (from[index] as number))) : g;
  const along = dot(off, line);
  const mixed = off.map((value, index) => alpha * along * (line[index] as number) + (1 - alpha) * value);
  return 1 - dot(mixed, mixed) / 2;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

/** A vector of zeros stays one. */
function unitVector(values: ArrayLike<number>): Float64Array {
  const vector = Float64Array.from(values);
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}
