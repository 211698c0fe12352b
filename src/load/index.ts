export { LoadFailed, TryAgain } from "./errors.js";
export { type LoadIo, runLoad } from "./run.js";
export type { Sender, Sent } from "./sender.js";
