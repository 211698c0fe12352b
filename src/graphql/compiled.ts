import { type DocumentNode, type GraphQLSchema, getOperationAST } from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import { TextCompiler, type TextOperation } from "./text-operations.js";

/** A parsed and validated operation. */
export interface Operation {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Compiling takes longer than executing: an operation has to come again to be worth it. */
const COMPILED_AFTER = 2;
/** Longest operation that is compiled: nobody else is answered meanwhile, about 5 ms for each thousand characters. */
const MOST_CHARACTERS = 4000;

interface Seen {
  times: number;
  /** Null: it cannot be compiled. */
  compiled: CompiledQuery | null | undefined;
  text: TextOperation | null | undefined;
}

/** Operations as functions: of queries that come again, for as long as their documents are remembered by whoever parsed them. */
export class CompiledOperations {
  readonly #seen = new WeakMap<DocumentNode, Map<string, Seen>>();
  readonly #texts: TextCompiler;

  constructor(readonly schema: GraphQLSchema) {
    this.#texts = new TextCompiler(schema);
  }

  /** Undefined where the operation has to be interpreted: at first, and what is no query. */
  find(operation: Operation): CompiledQuery | undefined {
    const seen = this.#seenOf(operation);
    if (seen.compiled === undefined && ++seen.times >= COMPILED_AFTER) {
      seen.compiled = compiled(operation, (document, name) => {
        const query = compileQuery(this.schema, document, name);
        return isCompiledQuery(query) ? query : null;
      });
    }
    return seen.compiled ?? undefined;
  }

  /** The operation as one that answers in text: of those that have come before. */
  findText(operation: Operation): TextOperation | undefined {
    const seen = this.#seenOf(operation);
    if (seen.text === undefined) {
      seen.text = compiled(operation, (document, name) => this.#texts.compile(document, name));
    }
    return seen.text ?? undefined;
  }

  #seenOf({ document, operationName }: Operation): Seen {
    let ofDocument = this.#seen.get(document);
    if (!ofDocument) {
      ofDocument = new Map();
      this.#seen.set(document, ofDocument);
    }
    const name = operationName ?? "";
    let seen = ofDocument.get(name);
    if (!seen) {
      seen = { times: 0, compiled: undefined, text: undefined };
      ofDocument.set(name, seen);
    }
    return seen;
  }
}

function compiled<T>(
  { document, operationName }: Operation,
  compile: (document: DocumentNode, operationName: string) => T | null,
): T | null {
  if (getOperationAST(document, operationName)?.operation !== "query") return null;
  if ((document.loc?.source.body.length ?? 0) > MOST_CHARACTERS) return null;
  try {
    return compile(document, operationName ?? "");
  } catch {
    return null;
  }
}
