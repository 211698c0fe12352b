export { Drain } from "./drain.js";
export { type Note, readLines, type Segment } from "./segment.js";
export { Spool, SpoolRefused } from "./spool.js";
