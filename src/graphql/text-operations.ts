import { randomUUID } from "node:crypto";
import { MapperKind, mapSchema } from "@graphql-tools/utils";
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLInt,
  GraphQLObjectType,
  GraphQLScalarType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import type { Context } from "./context.js";
import { RECORD_TYPES, type RecordShape, ShapeCompiler, ShapeError } from "./record-shapes.js";
import type { RecordTexts } from "./record-texts.js";

/** No client can guess it, so that no text of theirs is taken for a place where records go. */
const SECRET = `__${randomUUID().replaceAll("-", "")}`;
const PLACE = new RegExp(`\\{"${SECRET}":(\\d+)\\}`);

/** The records' texts of one execution, by the numbers of their places. */
export class Rendering {
  readonly #texts: { readonly of: readonly Buffer[]; readonly isList: boolean }[] = [];

  constructor(
    readonly shapes: readonly RecordShape[],
    readonly records: RecordTexts,
  ) {}

  place(of: readonly Buffer[], isList: boolean): object {
    return { [SECRET]: this.#texts.push({ of, isList }) - 1 };
  }

  /** Puts the texts where their places are. */
  fill(json: string): Buffer {
    const parts = json.split(PLACE);
    const pieces: Buffer[] = [];
    for (const [i, part] of parts.entries()) {
      if (i % 2 === 0) {
        pieces.push(Buffer.from(part));
        continue;
      }
      const { of = [], isList = false } = this.#texts[Number(part)] ?? {};
      if (isList) pieces.push(OPEN);
      // Each begins with a comma.
      if (of[0]) pieces.push(of[0].subarray(1));
      for (let place = 1; place < of.length; place++) pieces.push(of[place] as Buffer);
      if (isList) pieces.push(CLOSE);
    }
    return Buffer.concat(pieces);
  }
}

const OPEN = Buffer.from("[");
const CLOSE = Buffer.from("]");
const NULL = Buffer.from(",null");

/** An operation whose records are written as JSON that was made before. */
export interface TextOperation {
  readonly query: CompiledQuery;
  readonly shapes: readonly RecordShape[];
}

/** Rewrites operations: where records are selected it puts a leaf that holds their JSON. */
export class TextCompiler {
  readonly #shapes = new ShapeCompiler();
  readonly #schema: GraphQLSchema;

  constructor(readonly schema: GraphQLSchema) {
    this.#schema = withTextFields(schema);
  }

  /** Null: it cannot be compiled. */
  compile(document: DocumentNode, operationName: string): TextOperation | null {
    const operation = getOperationAST(document, operationName || null);
    const root = this.schema.getQueryType();
    if (operation?.operation !== "query" || !root) return null;
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const each of document.definitions)
      if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
    const rewriting = new Rewriting(this.schema, this.#shapes, fragments);
    const rewritten: OperationDefinitionNode = {
      ...operation,
      selectionSet: rewriting.rewrite(root, operation.selectionSet, ""),
    };
    const isClear = !rewriting.isAmbiguous;
    const query = isClear
      ? compileQuery(this.#schema, { ...document, definitions: [rewritten] }, operationName)
      : compileQuery(this.schema, document, operationName);
    return isCompiledQuery(query) ? { query, shapes: isClear ? rewriting.shapes : [] } : null;
  }
}

class Rewriting {
  readonly shapes: RecordShape[] = [];
  /** Two selections of one field would have to be put together; that is left to the executor. */
  isAmbiguous = false;
  readonly #paths = new Set<string>();

  constructor(
    readonly schema: GraphQLSchema,
    readonly compiler: ShapeCompiler,
    readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  ) {}

  rewrite(type: GraphQLObjectType, { selections }: SelectionSetNode, path: string): SelectionSetNode {
    return { kind: Kind.SELECTION_SET, selections: selections.map((each) => this.#selection(type, each, path)) };
  }

  #selection(type: GraphQLObjectType, selection: SelectionNode, path: string): SelectionNode {
    if (selection.kind === Kind.FIELD) return this.#field(type, selection, path);
    const of = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
    const condition = of?.typeCondition ? this.schema.getType(of.typeCondition.name.value) : type;
    if (!of || !isObjectType(condition)) {
      this.isAmbiguous = true;
      return selection;
    }
    return {
      kind: Kind.INLINE_FRAGMENT,
      selectionSet: this.rewrite(condition, of.selectionSet, path),
      ...(of.typeCondition ? { typeCondition: of.typeCondition } : {}),
      ...(selection.directives ? { directives: selection.directives } : {}),
    };
  }

  #field(type: GraphQLObjectType, node: FieldNode, path: string): FieldNode {
    const field = type.getFields()[node.name.value];
    const named = field && getNamedType(field.type);
    if (!named || !isCompositeType(named) || !node.selectionSet) return node;
    const own = `${path}.${node.alias?.value ?? node.name.value}`;
    if (!isObjectType(named) || this.#paths.has(own)) {
      this.isAmbiguous = true;
      return node;
    }
    this.#paths.add(own);
    const shape = this.compiler.compile(named, node.selectionSet, this.fragments);
    if (!shape) return { ...node, selectionSet: this.rewrite(named, node.selectionSet, own) };
    const { selectionSet: _, ...leaf } = node;
    return {
      ...leaf,
      alias: node.alias ?? node.name,
      name: { kind: Kind.NAME, value: textFieldOf(node.name.value) },
      arguments: [
        ...(node.arguments ?? []),
        {
          kind: Kind.ARGUMENT,
          name: { kind: Kind.NAME, value: SHAPE },
          value: { kind: Kind.INT, value: String(this.shapes.push(shape) - 1) },
        },
      ],
    };
  }
}

const SHAPE = "_shape";
const textFieldOf = (name: string): string => `${name}_text`;

/** Stands for a record's JSON in the result, until it is written. */
const RecordText = new GraphQLScalarType({ name: "RecordText", serialize: (place) => place });

/** Next to each field that gives records, one that gives the place of their JSON. */
function withTextFields(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE]: (type) => {
      const config = type.toConfig();
      const added: GraphQLFieldConfigMap<unknown, Context> = {};
      for (const [name, field] of Object.entries(config.fields)) {
        if (RECORD_TYPES.has(getNamedType(field.type).name)) added[textFieldOf(name)] = textField(name, field);
      }
      return new GraphQLObjectType({ ...config, fields: { ...config.fields, ...added } });
    },
  });
}

function textField(name: string, field: GraphQLFieldConfig<unknown, Context>): GraphQLFieldConfig<unknown, Context> {
  const resolve = field.resolve ?? ((source) => (source as Record<string, unknown>)[name]);
  const mayBeNull = !isNonNullType(field.type);
  const list = isNonNullType(field.type) ? field.type.ofType : field.type;
  const mayHoldNull = isListType(list) && !isNonNullType(list.ofType);
  return {
    type: RecordText,
    args: { ...field.args, [SHAPE]: { type: GraphQLInt } },
    resolve: (source, { [SHAPE]: index, ...args }, context, info) => {
      const rendering = context.made.rendering as Rendering;
      const shape = rendering.shapes[index as number] as RecordShape;
      const write = (value: unknown): object | null | Promise<object> => {
        if (value === null || value === undefined) {
          if (mayBeNull) return null;
          throw new ShapeError();
        }
        const isList = isListType(list);
        const values = isList ? (value as readonly (object | null)[]) : [value as object];
        const texts = textsOf(rendering, shape, values, mayHoldNull, context);
        return texts instanceof Promise
          ? texts.then((waited) => rendering.place(waited, isList))
          : rendering.place(texts, isList);
      };
      const value = resolve(source, args, context, info);
      return value instanceof Promise ? value.then(write) : write(value);
    },
  };
}

function textsOf(
  { records }: Rendering,
  shape: RecordShape,
  values: readonly (object | null)[],
  mayHoldNull: boolean,
  context: Context,
): Buffer[] | Promise<Buffer[]> {
  const texts = new Array<Buffer | Promise<Buffer>>(values.length);
  let mustWait = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null;
    if (value === null && !mayHoldNull) throw new ShapeError();
    const text = value === null ? NULL : records.of(shape, value, context);
    if (text instanceof Promise) mustWait = true;
    texts[i] = text;
  }
  return mustWait ? Promise.all(texts) : (texts as Buffer[]);
}
