import { type DocumentNode, type GraphQLSchema, getOperationAST } from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";

/** Compiling takes longer than executing: an operation has to come again to be worth it. */
const COMPILED_AFTER = 2;
/** Longest operation that is compiled: nobody else is answered meanwhile, about 5 ms for each thousand characters. */
const MOST_CHARACTERS = 4000;

interface Seen {
  times: number;
  /** Null: it cannot be compiled. */
  compiled: CompiledQuery | null | undefined;
}

/** Operations as functions: of queries that come again, for as long as their documents are remembered by whoever parsed them. */
export class CompiledOperations {
  readonly #seen = new WeakMap<DocumentNode, Map<string, Seen>>();

  constructor(readonly schema: GraphQLSchema) {}

  /** Undefined where the operation has to be interpreted: at first, and what is no query. */
  find(document: DocumentNode, operationName: string | null | undefined): CompiledQuery | undefined {
    let ofDocument = this.#seen.get(document);
    if (!ofDocument) {
      ofDocument = new Map();
      this.#seen.set(document, ofDocument);
    }
    const name = operationName ?? "";
    let seen = ofDocument.get(name);
    if (!seen) {
      seen = { times: 0, compiled: undefined };
      ofDocument.set(name, seen);
    }
    if (seen.compiled === undefined && ++seen.times >= COMPILED_AFTER) seen.compiled = this.#compile(document, name);
    return seen.compiled ?? undefined;
  }

  #compile(document: DocumentNode, operationName: string): CompiledQuery | null {
    if (getOperationAST(document, operationName || null)?.operation !== "query") return null;
    if ((document.loc?.source.body.length ?? 0) > MOST_CHARACTERS) return null;
    try {
      const compiled = compileQuery(this.schema, document, operationName);
      return isCompiledQuery(compiled) ? compiled : null;
    } catch {
      return null;
    }
  }
}
