// The suite of every run, over more streams.
process.env.SEALED_STREAMS ??= "60";
await import("../sealing.test.js");
