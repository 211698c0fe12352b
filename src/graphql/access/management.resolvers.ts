import { systemActor } from "../../auth/index.js";
import type { Resolvers } from "../generated.js";
import { payload } from "../mutation.js";

const NO_USER = { user: null };
const NO_ROLE = { role: null };
const NO_TENANT = { tenant: null };
const NO_FLEET = { fleet: null };

export const managementResolvers = {
  Query: {
    tenant: (_, __, { viewer, services }) => services.tenantAdmin.tenant(viewer.scope.tenantId),
    tenants: (_, __, { services }) => services.tenantAdmin.tenants.list(),
    fleets: (_, __, { viewer, services }) => services.tenantAdmin.tenants.fleets(viewer.scope.tenantId),
    roles: (_, __, { viewer, services }) => services.tenantAdmin.tenants.roles(viewer.scope.tenantId),
    apiKeys: (_, __, { viewer, services }) => services.apiKeyAdmin.list(viewer.principal),
  },
  Mutation: {
    logout: (_, { everywhere }, { viewer, services }) =>
      payload({ done: false }, async () => {
        await services.accounts.logout(viewer.principal, everywhere ?? false);
        return { done: true };
      }),
    passwordChange: (_, { current, new: next }, { viewer, services }) =>
      payload({ done: false }, async () => {
        await services.userAdmin.changePassword(viewer.principal, current, next);
        return { done: true };
      }),
    sessionRevoke: (_, { id }, { viewer, services }) =>
      payload({ session: null }, async () => ({
        session: await services.accounts.revokeSession(viewer.principal, id),
      })),
    apiKeyCreate: (_, { input }, { viewer, services }) =>
      payload({ key: null, apiKey: null }, () => services.apiKeyAdmin.create(viewer.principal, input)),
    apiKeyRevoke: (_, { id }, { viewer, services }) =>
      payload({ apiKey: null }, async () => ({ apiKey: await services.apiKeyAdmin.revoke(viewer.principal, id) })),
    userCreate: (_, { input }, { viewer, services }) =>
      payload(NO_USER, async () => ({ user: await services.userAdmin.create(viewer.principal, input) })),
    userInvite: (_, { input: { id, ...grant } }, { viewer, services }) =>
      payload(NO_USER, async () => ({ user: await services.userAdmin.invite(viewer.principal, id, grant) })),
    userUpdate: (_, { input: { id, ...change } }, { viewer, services }) =>
      payload(NO_USER, async () => ({
        user: await services.userAdmin.update(viewer.principal, id, change),
      })),
    userRemove: (_, { id }, { viewer, services }) =>
      payload(NO_USER, async () => ({ user: await services.userAdmin.remove(viewer.principal, id) })),
    roleCreate: (_, { input: { name, base, permissions } }, { viewer, services }) =>
      payload(NO_ROLE, async () => ({
        role: await services.tenantAdmin.createRole(viewer.principal, name, base, permissions),
      })),
    roleUpdate: (_, { id, permissions }, { viewer, services }) =>
      payload(NO_ROLE, async () => ({
        role: await services.tenantAdmin.updateRole(viewer.principal, id, permissions),
      })),
    roleDelete: (_, { id }, { viewer, services }) =>
      payload(NO_ROLE, async () => ({ role: await services.tenantAdmin.deleteRole(viewer.principal, id) })),
    tenantUpdate: (_, { input }, { viewer, services }) =>
      payload(NO_TENANT, async () => ({
        tenant: await services.tenantAdmin.update(viewer.principal, viewer.scope.tenantId, input),
      })),
    tenantCreate: (_, { input: { id, name, adminUsername, adminPassword } }, { viewer, services }) =>
      payload(NO_TENANT, async () => {
        services.userAdmin.check({ username: adminUsername, password: adminPassword });
        const tenant = await services.tenantAdmin.create(viewer.principal, id, { name });
        const account = { username: adminUsername, password: adminPassword, roleId: "ADMIN" };
        await services.userAdmin.create(systemActor(id, viewer.principal.userId), account);
        return { tenant };
      }),
    tenantDisable: (_, { id, disabled }, { viewer, services }) =>
      payload(NO_TENANT, async () => ({
        tenant: await services.tenantAdmin.update(viewer.principal, id, { disabled: disabled ?? true }),
      })),
    fleetAssign: (_, { tenantId, fleetId, name }, { viewer, services }) =>
      payload(NO_FLEET, async () => ({
        fleet: await services.tenantAdmin.assignFleet(viewer.principal, tenantId, fleetId, name),
      })),
    fleetRelease: (_, { tenantId, fleetId }, { viewer, services }) =>
      payload(NO_FLEET, async () => ({
        fleet: await services.tenantAdmin.releaseFleet(viewer.principal, tenantId, fleetId),
      })),
  },
  Tenant: {
    createdAt: ({ createdAt }) => createdAt.getTime(),
    fleets: ({ id }, _, { services }) => services.tenantAdmin.tenants.fleets(id),
  },
  TenantFleet: {
    createdAt: ({ createdAt }) => createdAt.getTime(),
  },
  RoleDefinition: {
    permissions: ({ permissions }) => permissions.map(({ name }) => name),
    builtIn: ({ tenantId }) => tenantId === null,
  },
  ApiKey: {
    permissions: ({ permissions }) => permissions as string[] | null,
    createdAt: ({ createdAt }) => createdAt.getTime(),
    expiresAt: ({ expiresAt }) => expiresAt.getTime(),
    lastUsedAt: ({ lastUsedAt }) => lastUsedAt?.getTime() ?? null,
    revokedAt: ({ revokedAt }) => revokedAt?.getTime() ?? null,
  },
} satisfies Resolvers;
