/**
 * Operations with their gradients. Shapes are known when the graph is made; each operation checks its own. Every one is
 * held to finite differences in test/unit/learner/gradients.test.ts.
 */
export * from './ops/shapes.js';
export * from './ops/arithmetic.js';
export * from './ops/comparison.js';
export * from './ops/activations.js';
export * from './ops/products.js';
export * from './ops/lookup.js';
export * from './ops/convolution.js';
export * from './ops/normalisation.js';
export * from './ops/recurrence.js';
export * from './ops/rotation.js';
