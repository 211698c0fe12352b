import { _, Ajv, type ErrorObject, type KeywordCxt, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { JsonSchema } from "./event-type.js";
import { fitsDecimal, readTime } from "./values.js";

/** What a schema finds wrong with a value: null when nothing. */
export type Check = (value: unknown) => readonly ErrorObject[] | null;

export interface Validator {
  /** Makes the check of a schema: JSON Schema 2020-12, or draft 7 when `$schema` says so. Throws if it is none. */
  compile(schema: Schema): Check;
}

type Schema = JsonSchema | boolean;

export interface ValidatorOptions {
  /** Refuses schemas with unknown keywords and the like: for our own tables, not for those of operators. */
  readonly strict?: boolean;
  /** Schemas by address, for others that refer to them. Nothing is ever fetched. */
  readonly known?: Readonly<Record<string, Schema>>;
}

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;

/**
 * Makes a validator that asserts formats and knows two keywords of its own: `"x-time": true` (what `readTime` reads)
 * and `"x-decimal": [before, after]` (a decimal number with at most so many digits around its point).
 */
export function createValidator({ strict = false, known = {} }: ValidatorOptions = {}): Validator {
  const create = (draft7: boolean, allErrors: boolean): Engine => {
    const options = { ...OPTIONS, strict, allErrors };
    const engine = draft7 ? addKeywords(new Ajv(options)) : addKeywords(new Ajv2020(options));
    for (const [address, schema] of Object.entries(known)) {
      if (isDraft7(schema) === draft7) engine.addSchema(mutable(schema), address);
    }
    return engine;
  };
  const shared = new Map<string, Engine>();
  const compile = (schema: Schema, allErrors: boolean): ValidateFunction => {
    const draft7 = isDraft7(schema);
    // An engine remembers ids for good, and two types may bring different schemas with one id.
    if (JSON.stringify(schema).includes('"$id"')) return create(draft7, allErrors).compile(mutable(schema));
    const key = `${draft7} ${allErrors}`;
    const engine = shared.get(key) ?? create(draft7, allErrors);
    shared.set(key, engine);
    return engine.compile(mutable(schema));
  };
  return {
    compile(schema) {
      let thorough: ValidateFunction | undefined;
      return checkOf(compile(schema, false), () => {
        thorough ??= compile(schema, true);
        return thorough;
      });
    },
  };
}

const OPTIONS: Options = {
  allowUnionTypes: true,
  strictRequired: false,
  // A field may be called like a method that every object inherits.
  ownProperties: true,
  logger: false,
};

type Engine = Ajv | Ajv2020;

function isDraft7(schema: Schema): boolean {
  return typeof schema === "object" && DRAFT_7.test(String(schema.$schema));
}

/** A copy in the type that ajv wants; it changes nothing. */
function mutable(schema: Schema): Record<string, unknown> | boolean {
  return typeof schema === "boolean" ? schema : { ...schema };
}

const isTime = (value: unknown): boolean => readTime(value) !== null;

/** Written as generated code: functions that ajv calls for keywords get a new object with each value. */
function addKeywords(ajv: Engine): Engine {
  formats.default(ajv);
  ajv.addKeyword({
    keyword: "x-time",
    type: ["string", "number"],
    schemaType: "boolean",
    error: { message: "must be a time of the years 1900 to 2299: ISO 8601 or epoch seconds or milliseconds" },
    code(cxt: KeywordCxt) {
      if (cxt.schema === true) cxt.fail(_`!${cxt.gen.scopeValue("func", { ref: isTime })}(${cxt.data})`);
    },
  });
  ajv.addKeyword({
    keyword: "x-decimal",
    type: ["string", "number"],
    schemaType: "array",
    metaSchema: { type: "array", items: { type: "integer", minimum: 0 }, minItems: 2, maxItems: 2 },
    error: {
      message: ({ schema }) =>
        `must be a decimal number with at most ${schema[0]} digits before and ${schema[1]} after the point`,
    },
    code(cxt: KeywordCxt) {
      const [before, after]: [number, number] = cxt.schema;
      cxt.fail(_`!${cxt.gen.scopeValue("func", { ref: fitsDecimal })}(${cxt.data}, ${before}, ${after})`);
    },
  });
  return ajv;
}

/** A million wrong items would make a million errors: of a value with longer JSON only the first is told. */
const LONGEST_LISTED = 100_000;

/** @param thorough finds all errors instead of the first: asked only when there is one */
function checkOf(validate: ValidateFunction, thorough: () => ValidateFunction): Check {
  if ("$async" in validate) throw new Error("a schema with $async cannot be used here");
  return (value) => {
    try {
      if (validate(value)) return null;
      const { errors } = validate;
      if (JSON.stringify(value).length > LONGEST_LISTED) return errors ?? [];
      const every = thorough();
      every(value);
      return every.errors ?? errors ?? [];
    } catch (error) {
      // References that lead in a circle overflow the stack: what the schema says of this value cannot be known.
      if (!(error instanceof RangeError)) throw error;
      return [
        { keyword: "schema", instancePath: "", schemaPath: "#", params: {}, message: "leads its schema in a circle" },
      ];
    }
  };
}
