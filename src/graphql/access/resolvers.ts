import { pageOf } from "../connection.js";
import type { Resolvers } from "../generated.js";

export const accessResolvers = {
  Query: {
    version: (_, __, { services }) => services.version,
    me: (_, __, { viewer, services }) => services.accounts.me(viewer.principal),
    memberships: (_, __, { viewer, services }) => services.members.of(viewer.principal.userId),
    sessions: (_, __, { viewer, services }) => services.accounts.sessions(viewer.principal),
    userPermissions: (_, { id }, { viewer, services }) => services.accounts.profile(viewer.principal, id),
    user: (_, { id }, { viewer, services }) => services.accounts.profile(viewer.principal, id),
    users: async (_, args, { viewer, services }) => {
      const page = pageOf(args);
      const [username, id] = page.after ?? [];
      const after = typeof username === "string" && id !== undefined ? { username, id } : null;
      const { items, total } = await services.members.page(viewer.scope.tenantId, page.first + 1, after);
      const users = items.map((member) => services.userAdmin.profile(member));
      return { ...page.connect(users, (user) => [user.username, user.id]), totalCount: total };
    },
  },
  Mutation: {
    login: (_, { username, password, tenantId }, { services, auditDetails, client }) => {
      auditDetails.username = username;
      return services.accounts.login(tenantId ?? services.defaultTenant, username, password, client);
    },
    tokenRefresh: (_, { refreshToken, tenantId }, { services }) =>
      services.accounts.refresh(refreshToken, tenantId ?? null),
  },
  Membership: {
    role: ({ role }) => role.base,
  },
  Session: {
    current: ({ id }, _, { viewer }) =>
      viewer.principal.credential?.kind === "session" && viewer.principal.credential.id === id,
    createdAt: ({ createdAt }) => createdAt.getTime(),
    lastUsedAt: ({ lastUsedAt }) => lastUsedAt.getTime(),
    expiresAt: ({ expiresAt }) => expiresAt.getTime(),
  },
} satisfies Resolvers;
