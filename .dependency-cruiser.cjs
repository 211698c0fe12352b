/**
 * The layers of src/, lowest first. A file may import from its own layer's folder and from lower layers; folders of the
 * same layer meet through their index.
 */
const LAYERS = [
  ["base"],
  ["domain"],
  ["ops", "spool", "upstream", "db", "audit", "events"],
  ["fleet", "auth", "jobs", "load", "charts"],
  ["analytics"],
  ["exports"],
  ["graphql", "http"],
];

const upward = LAYERS.flatMap((folders, layer) => {
  const above = LAYERS.slice(layer + 1).flat();
  if (above.length === 0) return [];
  return folders.map((folder) => ({
    name: `${folder}-imports-downward-only`,
    severity: "error",
    from: { path: `^src/${folder}/` },
    to: {
      path: `^src/(${above.join("|")}|app|cluster|core|dependencies|fleet-area|operator|event-sources|main|cli|config|config-variables|control|demo)(/|\\.|-)`,
    },
  }));
});

const only = (name, owners, target) => ({
  name,
  severity: "error",
  from: { path: "^src/", pathNot: `^src/(${owners})` },
  to: { path: target },
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "siblings-meet-through-index",
      severity: "error",
      from: {
        path: "^src/(spool|upstream|db|audit|events|fleet|auth|jobs|load|charts|analytics|exports|graphql)/",
        pathNot: "\\.test\\.ts$",
      },
      to: {
        path: "^src/(spool|upstream|db|audit|events|fleet|auth|jobs|load|charts|analytics|exports|graphql)/",
        pathNot: ["^src/$1/", "^src/[^/]+/index\\.ts$"],
      },
    },
    {
      name: "the-domain-is-pure",
      severity: "error",
      from: { path: "^src/(domain|base)/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["npm", "npm-dev", "core"] },
    },
    {
      name: "the-demo-stands-alone",
      severity: "error",
      from: { path: "^src/demo/" },
      to: { path: "^src/", pathNot: "^src/demo/" },
    },
    only("undici-in-upstream-only", "upstream/|demo/", "^(node_modules/)?undici"),
    only(
      "event-database-drivers-in-their-stores-only",
      "events/store/|exports/formats/formats\\.test|load/rows",
      "(@duckdb/|@clickhouse/)",
    ),
    only("prisma-in-db-only", "db/", "(@prisma/|pglite|node_modules/pg/)"),
    only(
      "config-for-the-wiring-only",
      "(app|cluster|core|event-sources|fleet-area|main|cli|config)(\\.test)?\\.ts$",
      "^src/config(-variables)?\\.ts$",
    ),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^src/db/client/" },
  },
};
