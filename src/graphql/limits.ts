import {
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

export interface QueryLimits {
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly cost: number;
}

/** Longest operation that is parsed at all. */
export const MAX_TOKENS = 15_000;
/** More help nobody, and make a small question's answer large. */
export const MAX_VALIDATION_ERRORS = 20;

/** How large an operation is, fragments counted wherever they are used. */
export type QuerySize = { readonly [Name in keyof QueryLimits]: number };

/** What lists are taken to hold that say nothing of their length. */
const LIST_LENGTH = 10;
/** Arguments that say how many are wanted. */
const LENGTHS = ["first", "limit"];

type Variables = Readonly<Record<string, unknown>>;

/**
 * Sizes an operation in one pass, each fragment once however often it is spread. Depth: levels of fields. Cost: a field
 * costs 1, and what is below a list as many times as the list may be long: `first` or `limit`, or 10. Introspection is
 * as large as the schema makes it and counts nothing.
 * @param variables null before they are known: lists that depend on them count once
 */
export function sizeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables | null,
): QuerySize {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, QuerySize>();
  const given = variables && { ...defaultsOf(operation), ...variables };

  const ofFragment = (name: string): QuerySize => {
    const found = known.get(name);
    if (found) return found;
    const fragment = fragments.get(name);
    // A fragment that spreads itself is refused by validation; here it must only come to an end.
    known.set(name, NOTHING);
    const type = fragment && schema.getType(fragment.typeCondition.name.value);
    const size = fragment ? ofSelections(fragment.selectionSet, type) : NOTHING;
    known.set(name, size);
    return size;
  };

  const ofSelections = (set: SelectionSetNode, type: GraphQLNamedType | undefined): QuerySize => {
    let sum = NOTHING;
    for (const selection of set.selections) {
      const directives = selection.directives?.length ?? 0;
      if (selection.kind === Kind.FIELD) sum = plus(sum, ofField(selection, type), directives);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) sum = plus(sum, ofFragment(selection.name.value), directives);
      else {
        const condition = selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : type;
        sum = plus(sum, ofSelections(selection.selectionSet, condition), directives);
      }
    }
    return sum;
  };

  const ofField = (node: FieldNode, parent: GraphQLNamedType | undefined): QuerySize => {
    const aliases = node.alias ? 1 : 0;
    if (node.name.value.startsWith("__")) return { ...NOTHING, aliases, cost: 1 };
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    if (!node.selectionSet) return { depth: 1, aliases, directives: 0, cost: 1 };
    const inner = ofSelections(node.selectionSet, field && getNamedType(field.type));
    return {
      depth: inner.depth + 1,
      aliases: inner.aliases + aliases,
      directives: inner.directives,
      cost: 1 + inner.cost * lengthOf(node, field, given),
    };
  };

  const root = schema.getRootType(operation.operation) ?? undefined;
  return plus(NOTHING, ofSelections(operation.selectionSet, root), operation.directives?.length ?? 0);
}

const NOTHING: QuerySize = { depth: 0, aliases: 0, directives: 0, cost: 0 };

function plus(a: QuerySize, b: QuerySize, directives: number): QuerySize {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives + directives,
    cost: a.cost + b.cost,
  };
}

function defaultsOf(operation: OperationDefinitionNode): Variables {
  const definitions = operation.variableDefinitions ?? [];
  return Object.fromEntries(
    definitions.flatMap(({ variable, defaultValue }) =>
      defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)]] : [],
    ),
  );
}

function lengthOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
  variables: Variables | null,
): number {
  for (const { name, value } of node.arguments ?? []) {
    if (!LENGTHS.includes(name.value)) continue;
    const length =
      value.kind === Kind.VARIABLE ? variables?.[value.name.value] : "value" in value ? value.value : undefined;
    if (length != null && Number(length) >= 0) return Number(length);
    // Not known yet: whoever knows the variables counts again.
    if (variables === null) return 1;
  }
  const paged = field?.args.find(({ name }) => LENGTHS.includes(name));
  if (typeof paged?.defaultValue === "number") return paged.defaultValue;
  const type = field && (isNonNullType(field.type) ? field.type.ofType : field.type);
  // Below a page, its edges and nodes are as many as the page's own argument says.
  return isListType(type) && !["edges", "nodes"].includes(node.name.value) ? LIST_LENGTH : 1;
}

/** Null: within the limits. */
export function excessOf(size: QuerySize, limits: QueryLimits): GraphQLError | null {
  for (const name of ["depth", "aliases", "directives", "cost"] as const) {
    if (size[name] <= limits[name]) continue;
    return new GraphQLError(`The operation is too large: its ${name} of ${size[name]} is beyond ${limits[name]}`, {
      extensions: { code: "QUERY_TOO_COMPLEX", limit: limits[name], [name]: size[name], http: { status: 400 } },
    });
  }
  return null;
}

/** A validation rule: what is too large whatever its variables are is refused at once. */
export function limitRule(limits: QueryLimits) {
  return (context: ValidationContext): ASTVisitor => ({
    OperationDefinition(operation) {
      const excess = excessOf(sizeOf(context.getSchema(), context.getDocument(), operation, null), limits);
      if (excess) context.reportError(excess);
      return false;
    },
  });
}
