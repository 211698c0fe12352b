export { Charts } from "./charts.js";
export type { Size } from "./svg.js";
