import graphql from "@graphql-eslint/eslint-plugin";

// ESLint looks at GraphQL only; TypeScript belongs to Biome and the compiler.
const rules = {
  ...graphql.configs["flat/schema-recommended"].rules,
  // Descriptions in one line sit better in one line.
  "@graphql-eslint/description-style": "off",
  // Version and access fields are extended by every area's module.
  "@graphql-eslint/require-description": [
    "error",
    {
      types: true,
      FieldDefinition: true,
      InputValueDefinition: true,
      EnumValueDefinition: true,
      DirectiveDefinition: true,
    },
  ],
  // User.username and Decision.decision are what everybody calls them.
  "@graphql-eslint/no-typename-prefix": "off",
  "@graphql-eslint/no-unreachable-types": "error",
  "@graphql-eslint/require-deprecation-reason": "error",
  "@graphql-eslint/strict-id-in-types": "off",
};

export default [
  { ignores: ["node_modules/", "dist/", "schema.graphql", "**/*.ts", "**/*.js", "**/*.mjs", "**/*.cjs"] },
  {
    files: ["src/graphql/**/*.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "src/graphql/**/*.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules,
  },
];
