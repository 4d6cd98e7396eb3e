import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // Native parts (NetHack, ONNX, llama.cpp, Temporal's core) want processes of their own.
    pool: 'forks',
    // The tests start servers and workers; more files at once than this make each other slow, not the whole faster.
    maxWorkers: 2,
    minWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
