# syntax=docker/dockerfile:1
FROM node:24-slim AS build
WORKDIR /app
# Prisma's packages would fetch a schema engine that nothing here runs; any executable named as that engine stops them.
ENV PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node
COPY . .
# `npm ci` runs `prepare`: generates the Prisma client, resolver types and an empty database, then compiles to dist.
RUN --mount=type=cache,target=/root/.npm npm ci
# Not --omit=dev: the Prisma CLI and TypeScript are optional peers of @prisma/client, and it would keep them.
RUN npm pkg delete devDependencies workspaces && npm prune --ignore-scripts

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production DATA_DIR=/data
RUN mkdir /data && chown node:node /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma/migrations ./prisma/migrations
COPY --from=build /app/generated ./generated
COPY --from=build /app/dist ./dist
USER node
VOLUME /data
EXPOSE 8007
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8007}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# A larger young generation: lists of tens of thousands of records come and go within seconds.
CMD ["node", "--max-semi-space-size=16", "--heap-growing-percent=50", "dist/main.js"]
