export { type CacheHint, cacheHintOf } from "./cache-hints.js";
export type { Operation } from "./compiled.js";
export { Context, type Services } from "./context.js";
export { codeOf } from "./errors.js";
export { createExecute, type Execute, type Result, type Results } from "./execute.js";
export { excessOf, limitRule, MAX_TOKENS, MAX_VALIDATION_ERRORS, type QueryLimits, sizeOf } from "./limits.js";
export { createSchema, schemaForValidation } from "./schema.js";
