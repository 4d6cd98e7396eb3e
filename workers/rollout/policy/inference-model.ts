/** What rollout needs to know of an inference graph: its bytes, and which of its inputs and outputs mean what. */
export interface InferenceModel {
  /** ONNX model for one batch size. */
  readonly bytes: Uint8Array;
  /** Graph input by observation name; an observation that the network does not read is absent. */
  readonly observationInputs: Readonly<Record<string, string>>;
  /** Parameters that are inputs of the graph, by their name in the policy artefact. */
  readonly parameters: readonly { readonly name: string; readonly input: string; readonly shape: readonly number[] }[];
  /** Memory: f32 `[batch, size]` in and out; null for a feed-forward policy. */
  readonly state: { readonly input: string; readonly output: string; readonly size: number } | null;
  /** Value functions. */
  readonly valueCount: number;
  readonly outputs: {
    /** f32 `[batch, parametersPerAction]`, see ActionSampler. */
    readonly distribution: string;
    /** f32 `[batch]`, or `[batch, valueCount]`. */
    readonly value: string;
  };
}
