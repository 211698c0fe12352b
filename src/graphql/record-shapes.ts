import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLSchema,
  getArgumentValues,
  getNamedType,
  isCompositeType,
  isLeafType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type ValueNode,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import type { Context } from "./context.js";

/** Types whose values are records of the upstream cache: the very same object for as long as the record is the same. */
export const RECORD_TYPES: ReadonlySet<string> = new Set([
  ...["Vehicle", "VehicleHealth", "Component", "Telemetry", "WarrantyCoverage"],
  ...["Alert", "Appointment", "Claim", "Decision", "Technician"],
]);

/** Fields with resolvers that look at their record and nothing else: neither at who asks nor at the time. */
const OF_RECORD_ALONE: ReadonlySet<string> = new Set([
  ...["VehicleHealth.status", "Component.status", "Alert.status", "CostRange.midpoint"],
]);

/** A field of a record that has to be resolved again each time, but whose value tells whether its JSON is the same. */
interface Link {
  readonly resolve: (record: object, context: Context) => unknown;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** What is selected of a record: its JSON depends on the record and its links alone. */
export interface RecordShape {
  readonly links: readonly Link[];
  readonly query: CompiledQuery;
}

/** Records' JSON could not be made: the operation has to be executed field by field. */
export class ShapeError extends Error {}

/** Makes shapes of selections, where they can be. */
export class ShapeCompiler {
  readonly #schemas = new Map<string, GraphQLSchema>();

  /** Null: what is selected depends on more than records (variables, directives, lists made for whoever asks). */
  compile(type: GraphQLObjectType, selections: SelectionSetNode, fragments: Fragments): RecordShape | null {
    const links: Link[] = [];
    if (!RECORD_TYPES.has(type.name) || !isOfRecords(type, selections, fragments, links)) return null;
    const document: DocumentNode = {
      kind: Kind.DOCUMENT,
      definitions: [
        { kind: Kind.OPERATION_DEFINITION, operation: "query" as never, selectionSet: selections },
        ...fragments.values(),
      ],
    };
    const query = compileQuery(this.#schemaOf(type), document);
    return isCompiledQuery(query) ? { links, query } : null;
  }

  /** A schema whose operations begin at a record. */
  #schemaOf(type: GraphQLObjectType): GraphQLSchema {
    const schema = this.#schemas.get(type.name) ?? new GraphQLSchema({ query: type, assumeValid: true });
    this.#schemas.set(type.name, schema);
    return schema;
  }
}

/** @param links where found ones go; null where there must be none */
function isOfRecords(
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  fragments: Fragments,
  links: Link[] | null,
): boolean {
  return selections.every((selection) => {
    if (selection.directives?.length) return false;
    if (selection.kind === Kind.FIELD) return isFieldOfRecord(type, selection, fragments, links);
    const of = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    const condition = of?.typeCondition?.name.value ?? type.name;
    return of !== undefined && condition === type.name && isOfRecords(type, of.selectionSet, fragments, links);
  });
}

function isFieldOfRecord(
  type: GraphQLObjectType,
  node: FieldNode,
  fragments: Fragments,
  links: Link[] | null,
): boolean {
  if (node.name.value === TypeNameMetaFieldDef.name) return true;
  const field = type.getFields()[node.name.value];
  if (!field || (node.arguments ?? []).some(({ value }) => !isConstant(value))) return false;
  const named = getNamedType(field.type);
  const isAlone =
    !field.resolve || field.resolve === defaultFieldResolver || OF_RECORD_ALONE.has(`${type.name}.${field.name}`);
  if (isCompositeType(named)) {
    if (!isObjectType(named) || !node.selectionSet) return false;
    if (!isAlone && !RECORD_TYPES.has(named.name)) return false;
    if (!isOfRecords(named, node.selectionSet, fragments, null)) return false;
  } else if (!isLeafType(named)) return false;
  if (isAlone) return true;
  if (!links) return false;
  const resolve = field.resolve ?? defaultFieldResolver;
  const args = getArgumentValues(field, node);
  // All that resolvers of records look at.
  const info = { parentType: type, fieldName: field.name } as GraphQLResolveInfo;
  links.push({ resolve: (record, context) => resolve(record, args, context, info) });
  return true;
}

function isConstant(value: ValueNode): boolean {
  if (value.kind === Kind.LIST) return value.values.every(isConstant);
  if (value.kind === Kind.OBJECT) return value.fields.every((field) => isConstant(field.value));
  return value.kind !== Kind.VARIABLE;
}
