export { type AccountDeps, Accounts, type UserProfile } from "./accounts.js";
export { type NewAccount, Registry } from "./registry.js";
export { type JwtAlgorithm, type TokenOptions, Tokens } from "./tokens.js";
