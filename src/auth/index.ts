export { type AccountDeps, Accounts, type Client, NO_CLIENT, type SignedIn } from "./accounts.js";
export { ApiKeyAdmin, type NewApiKeyInput } from "./api-keys.js";
export { KeyRing, OutsideKeys } from "./keys.js";
export { LOGIN_FAILURES, LoginThrottle } from "./login-throttle.js";
export type { UserProfile } from "./profile.js";
export { Standing } from "./standing.js";
export { TenantAdmin } from "./tenants.js";
export { type TokenOptions, Tokens } from "./tokens.js";
export { type Actor, type NewAccount, systemActor, UserAdmin } from "./users.js";
