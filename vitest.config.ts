import { defineConfig } from "vitest/config";

export default defineConfig({
  // graphql ships twice; Node picks the CommonJS one, and two copies in one process refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] },
  test: {
    include: ["src/**/*.test.ts", "tests/**/*.test.ts", "clients/*/src/**/*.test.{ts,tsx}"],
    exclude: ["tests/heavy/**", "node_modules/**"],
    // Whole gateways with an embedded Postgres run in several files: two at once keep a small machine responsive.
    maxWorkers: 2,
    // Several start whole processes, which on a busy machine takes many seconds.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
