export { type AccountDeps, Accounts, type NewAccount, type UserProfile } from "./accounts.js";
export { type JwtAlgorithm, type TokenOptions, Tokens } from "./tokens.js";
