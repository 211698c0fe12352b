import type { Resolvers } from "../generated.js";

export const accessResolvers = {
  Query: {
    version: (_, __, { services }) => services.version,
    me: (_, __, { viewer, services }) => services.accounts.me(viewer.principal),
    userPermissions: (_, { id }, { viewer, services }) => services.accounts.profile(viewer.principal, id),
  },
  Mutation: {
    login: (_, { username, password }, { services, auditDetails }) => {
      auditDetails.username = username;
      return services.accounts.login(services.defaultTenant, username, password);
    },
  },
} satisfies Resolvers;
