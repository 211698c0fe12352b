import { readdirSync, readFileSync } from "node:fs";
import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isEnumType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  typeFromAST,
  validate,
  visit,
} from "graphql";

/** A REST endpoint: a GraphQL document under a method and a path. */
export interface RestEndpoint {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With parameters in braces, as in OpenAPI: `/api/v1/users/{id}/permissions`. */
  readonly path: string;
  /** Status of success. */
  readonly status: number;
  /** The field of the payload that is the answer, where the root field is a mutation with `errors`. */
  readonly result: string | null;
  /** How the answer is wrapped: `admin` as `{success, data, admin}`. */
  readonly envelope: string | null;
  /** Only for requests with this query parameter; another document answers the others. */
  readonly when: string | null;
  /** Whether nothing is answered with an empty object, and not with 404. */
  readonly mayBeEmpty: boolean;
  /** Name of the request in the audit trail. */
  readonly action: string;
  readonly summary: string;
  /** Folder of the document: groups endpoints in the docs. */
  readonly tag: string;
  readonly operationId: string;
  /** Valid against the schema, directives of ours taken out. */
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: readonly RestVariable[];
  /** Where enum values are given in lower case, as the contract has them. */
  readonly lowerCased: readonly (readonly string[])[];
}

export interface RestVariable {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly required: boolean;
  readonly isEnum: boolean;
  readonly isList: boolean;
  readonly in: "path" | "query" | "body";
}

const FOLDER = new URL("./rest/", import.meta.url);

/**
 * Reads all stored documents and checks them against the schema.
 * @throws Error naming the document that does not fit
 */
export function readEndpoints(schema: GraphQLSchema): RestEndpoint[] {
  const names = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".graphql"));
  const shared = parse(readFileSync(new URL("fragments.graphql", FOLDER), "utf8"));
  const fragments = new Map(shared.definitions.filter(isFragment).map((fragment) => [fragment.name.value, fragment]));
  return names
    .filter((name) => name !== "fragments.graphql")
    .sort()
    .flatMap((name) => {
      try {
        return spellings(
          schema,
          parse(readFileSync(new URL(name, FOLDER), "utf8")),
          fragments,
          name.split("/")[0] ?? "",
        );
      } catch (error) {
        throw new Error(`REST document ${name}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    });
}

/** The endpoint under each of the paths that its document names: `also` where old documentation and code differ. */
function spellings(...from: Parameters<typeof readEndpoint>): RestEndpoint[] {
  const { also, ...endpoint } = readEndpoint(...from);
  const alias = { ...endpoint, path: also ?? "", operationId: `${endpoint.operationId}Alias` };
  return also === null ? [endpoint] : [endpoint, alias];
}

function readEndpoint(
  schema: GraphQLSchema,
  source: DocumentNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  tag: string,
): RestEndpoint & { readonly also: string | null } {
  const declared = getOperationAST(source);
  if (!declared?.name) throw new Error("expected one named operation");
  const rest = restArguments(declared);
  const flat = withFragments(source, fragments);
  const lowerCased = lowerCasedPaths(getOperationAST(flat)?.selectionSet);
  const document = visit(flat, {
    Directive: (node) => (node.name.value === "rest" || node.name.value === "lower" ? null : undefined),
  });
  const [fault] = validate(schema, document);
  if (fault) throw fault;
  const operation = getOperationAST(document);
  if (!operation) throw new Error("expected one operation");
  return {
    method: rest.method as RestEndpoint["method"],
    path: rest.path ?? "",
    status: Number(rest.status ?? 200),
    result: rest.result ?? null,
    also: rest.also ?? null,
    envelope: rest.envelope ?? null,
    when: rest.when ?? null,
    mayBeEmpty: rest.missing === "empty",
    action: rest.action ?? "request",
    summary: rest.summary ?? "",
    tag,
    operationId: declared.name.value,
    document,
    operation,
    variables: readVariables(schema, operation, rest),
    lowerCased,
  };
}

function readVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  rest: Readonly<Record<string, string>>,
): RestVariable[] {
  const inQuery = rest.query?.split(",") ?? [];
  return (operation.variableDefinitions ?? []).map((definition) => {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type as never) as GraphQLInputType | undefined;
    if (!type) throw new Error(`unknown type of $${name}`);
    const required = isNonNullType(type) && !definition.defaultValue;
    const nullable = isNonNullType(type) ? type.ofType : type;
    const isQuery = rest.method === "GET" || inQuery.includes(name);
    const place = rest.path?.includes(`{${name}}`) ? "path" : isQuery ? "query" : "body";
    return { name, type, required, isEnum: isEnumType(getNamedType(type)), isList: isListType(nullable), in: place };
  });
}

function restArguments(operation: OperationDefinitionNode): Record<string, string> {
  const directive = operation.directives?.find((candidate: DirectiveNode) => candidate.name.value === "rest");
  if (!directive) throw new Error("expected the operation to carry @rest(method:, path:)");
  return Object.fromEntries(
    (directive.arguments ?? []).map(({ name, value }) => {
      if (value.kind !== Kind.STRING && value.kind !== Kind.INT)
        throw new Error(`@rest(${name.value}:) must be text or a number`);
      return [name.value, value.value];
    }),
  );
}

/** The shared fragments that the document uses, spelt out in place: one selection set without indirection. */
function withFragments(document: DocumentNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): DocumentNode {
  const inline = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (!fragment) throw new Error(`unknown fragment ${selection.name.value}`);
        return inline(fragment.selectionSet).selections;
      }
      return [selection.selectionSet ? { ...selection, selectionSet: inline(selection.selectionSet) } : selection];
    }),
  });
  return visit(document, {
    OperationDefinition: (operation) => ({ ...operation, selectionSet: inline(operation.selectionSet) }),
  });
}

function lowerCasedPaths(set: SelectionSetNode | undefined, path: readonly string[] = []): string[][] {
  return (set?.selections ?? []).flatMap((selection) => {
    if (selection.kind !== Kind.FIELD) return [];
    const here = [...path, selection.alias?.value ?? selection.name.value];
    const own = selection.directives?.some((directive) => directive.name.value === "lower") ? [here] : [];
    return [...own, ...lowerCasedPaths(selection.selectionSet, here)];
  });
}

function isFragment(definition: { kind: string }): definition is FragmentDefinitionNode {
  return definition.kind === Kind.FRAGMENT_DEFINITION;
}
