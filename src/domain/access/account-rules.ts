import { ADMINISTRATORS, ANYBODY, type Fields, fields, SIGNED_IN } from "./rule.js";

/** Who may read what of users, tenants and credentials, below the root fields. */
export const ACCOUNT_RULES: Readonly<Record<string, Fields>> = {
  LoginPayload: fields(
    ANYBODY,
    ...["accessToken", "tokenType", "expiresIn", "refreshToken", "refreshExpiresIn", "user"],
  ),
  // Open, since signing in tells it to somebody who is not signed in yet; the root fields decide about anybody else's.
  User: fields(
    ANYBODY,
    ...["id", "username", "email", "role", "roleId", "permissions", "vehicleIds", "fleetIds", "dashboards"],
    ...["disabled", "lastLoginAt"],
  ),
  UserConnection: fields(ADMINISTRATORS, "edges", "nodes", "pageInfo", "totalCount"),
  UserEdge: fields(ADMINISTRATORS, "cursor", "node"),
  Membership: fields(SIGNED_IN, "tenant", "role", "roleId"),
  Tenant: {
    ...fields(SIGNED_IN, "id", "name", "logoUrl", "primaryColor", "accentColor"),
    ...fields(ADMINISTRATORS, "disabled", "createdAt", "fleets"),
  },
  TenantFleet: fields(ADMINISTRATORS, "id", "name", "createdAt"),
  RoleDefinition: fields(SIGNED_IN, "id", "name", "base", "permissions", "builtIn"),
  Session: fields(SIGNED_IN, "id", "current", "createdAt", "lastUsedAt", "expiresAt", "ip", "userAgent"),
  ApiKey: {
    ...fields(SIGNED_IN, "id", "name", "prefix", "userId", "permissions", "vehicleIds", "fleetIds", "createdAt"),
    ...fields(SIGNED_IN, "expiresAt", "lastUsedAt", "revokedAt"),
  },
  LogoutPayload: fields(SIGNED_IN, "done", "errors"),
  PasswordChangePayload: fields(SIGNED_IN, "done", "errors"),
  SessionRevokePayload: fields(SIGNED_IN, "session", "errors"),
  ApiKeyCreatePayload: fields(SIGNED_IN, "key", "apiKey", "errors"),
  ApiKeyRevokePayload: fields(SIGNED_IN, "apiKey", "errors"),
  UserPayload: fields(ADMINISTRATORS, "user", "errors"),
  RolePayload: fields(ADMINISTRATORS, "role", "errors"),
  TenantPayload: fields(ADMINISTRATORS, "tenant", "errors"),
  FleetPayload: fields(ADMINISTRATORS, "fleet", "errors"),
};
