// The suite of every run, over twenty times as many streams.
process.env.INSIGHT_STREAMS ??= "1000";
await import("../../src/events/store/plans.test.js");
