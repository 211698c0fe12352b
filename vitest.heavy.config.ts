import { defineConfig } from "vitest/config";
import base from "./vitest.config.js";

/** Runs that kill, repeat or load: minutes rather than seconds. */
export default defineConfig({
  ...base,
  test: {
    include: ["tests/heavy/**/*.test.ts", "tests/random-queries.test.ts"],
    env: { RANDOM_QUERIES: "10000" },
    maxWorkers: 1,
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
});
