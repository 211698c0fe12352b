import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { ACCESS_RULES } from "../domain/access/rules.js";
import type { RestEndpoint, RestVariable } from "./documents.js";
import { DOWNLOADS, type Download } from "./downloads.js";
import { INGEST_ENDPOINTS, type IngestEndpoint } from "./ingest-dialects.js";
import { ingestPaths } from "./ingest-openapi.js";

type Schema = Readonly<Record<string, unknown>>;

const SCALARS: Readonly<Record<string, Schema>> = {
  ID: { type: "string" },
  String: { type: "string" },
  Int: { type: "integer" },
  Float: { type: "number" },
  Boolean: { type: "boolean" },
  Money: { type: "number" },
  Decimal: { type: "string", pattern: "^-?[0-9]+(\\.[0-9]+)?$" },
  DateTime: { type: "string", format: "date-time" },
  Date: { type: "string", format: "date" },
  DateOrDateTime: { type: "string", examples: ["2026-01-31", "2026-01-31T12:00:00Z"] },
  URL: { type: "string", format: "uri-reference" },
  JSONObject: { type: "object", additionalProperties: true },
};

const ERROR_RESPONSES: Readonly<Record<string, string>> = {
  "401": "No token, or one that is not valid",
  "403": "Not for this role, or outside the scope",
  "404": "There is no such thing",
  "422": "Input that does not fit; `detail` says why",
  "503": "No source could answer",
};

const ERROR_SCHEMA: Schema = {
  type: "object",
  required: ["detail", "code"],
  properties: { detail: { type: "string" }, code: { type: "string" }, field: { type: "string" } },
};

/** OpenAPI 3.1 of all stored documents: parameters from their variables, answers from their selections. */
export function createOpenApi(
  schema: GraphQLSchema,
  endpoints: readonly RestEndpoint[],
  version: string,
  doors: readonly IngestEndpoint[] = INGEST_ENDPOINTS,
): Schema {
  const paths: Record<string, Record<string, Schema>> = ingestPaths(doors);
  for (const endpoint of endpoints.filter(({ when }) => when === null)) {
    const others = endpoints.filter(
      ({ when, path, method }) => when !== null && path === endpoint.path && method === endpoint.method,
    );
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method.toLowerCase()]: describe(schema, endpoint, others),
    };
  }
  if (doors === INGEST_ENDPOINTS)
    for (const download of DOWNLOADS) paths[download.path] = { get: describeDownload(download) };
  return {
    openapi: "3.1.0",
    info: {
      title: "Crowsnest",
      version,
      description:
        "The REST side of the gateway. Every endpoint that reads is a stored GraphQL document; `/graphql` has it all.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        writeKey: { type: "apiKey", in: "header", name: "X-Write-Key" },
      },
      schemas: { Error: ERROR_SCHEMA },
    },
  };
}

/** @param others what answers instead when their parameter is there */
function describe(schema: GraphQLSchema, endpoint: RestEndpoint, others: readonly RestEndpoint[]): Schema {
  const parameters = endpoint.variables.filter((variable) => variable.in !== "body");
  const further = others.flatMap((other) => other.variables.map((variable) => ({ ...variable, required: false })));
  const answers = [endpoint, ...others].map((each) => answerSchema(schema, each));
  const body = endpoint.variables.filter((variable) => variable.in === "body");
  const [root] = endpoint.operation.selectionSet.selections;
  const rootName = root?.kind === Kind.FIELD ? root.name.value : "";
  const parent = endpoint.operation.operation === "mutation" ? "Mutation" : "Query";
  const open = ACCESS_RULES[parent]?.[rootName]?.public;
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    security: open ? [] : [{ bearer: [] }],
    parameters: [...parameters, ...further].map((variable) => ({
      name: variable.name,
      in: variable.in,
      required: variable.in === "path" || variable.required,
      schema: inputSchema(variable),
    })),
    ...(body.length > 0 && { requestBody: bodySchema(body) }),
    responses: {
      [endpoint.status]: {
        description: "Success",
        headers: {
          "X-Cache": { description: "HIT, MISS or BYPASS, where upstream data is shown", schema: { type: "string" } },
        },
        content: { "application/json": { schema: answers.length > 1 ? { anyOf: answers } : answers[0] } },
      },
      ...Object.fromEntries(
        Object.entries(ERROR_RESPONSES).map(([status, description]) => [status, errorResponse(description)]),
      ),
    },
  };
}

function errorResponse(description: string): Schema {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
}

function bodySchema(variables: readonly RestVariable[]): Schema {
  const properties = Object.fromEntries(variables.map((variable) => [variable.name, inputSchema(variable)]));
  const required = variables.filter((variable) => variable.required).map((variable) => variable.name);
  return { required: true, content: { "application/json": { schema: { type: "object", properties, required } } } };
}

function inputSchema({ type }: RestVariable): Schema {
  const of = (input: GraphQLInputType): Schema => {
    if (isNonNullType(input)) return of(input.ofType);
    if (isListType(input)) return { type: "array", items: of(input.ofType) };
    return leafSchema(getNamedType(input));
  };
  return of(type);
}

function leafSchema(type: unknown): Schema {
  if (isEnumType(type)) return { type: "string", enum: type.getValues().map((value) => value.name) };
  return SCALARS[String(type)] ?? {};
}

function answerSchema(schema: GraphQLSchema, endpoint: RestEndpoint): Schema {
  const parent = endpoint.operation.operation === "mutation" ? schema.getMutationType() : schema.getQueryType();
  const lower = new Set(endpoint.lowerCased.map((path) => path.join(".")));
  const root = parent
    ? (objectSchema(parent.getFields(), endpoint.operation.selectionSet, [], lower) as Selected).properties.data
    : {};
  const answer = endpoint.result ? (root as Selected).properties[endpoint.result] : root;
  return enveloped(endpoint, withoutNull(answer ?? {}));
}

function enveloped({ envelope }: RestEndpoint, data: Schema): Schema {
  if (envelope !== "admin") return data;
  const properties = { success: { const: true }, data, admin: { type: ["string", "null"] } };
  return { type: "object", properties, required: ["success", "data", "admin"] };
}

interface Selected extends Schema {
  readonly properties: Readonly<Record<string, Schema>>;
}

type Fields = Readonly<Record<string, GraphQLField<unknown, unknown>>>;

function objectSchema(
  fields: Fields,
  set: SelectionSetNode,
  path: readonly string[],
  lower: ReadonlySet<string>,
): Selected {
  const properties: Record<string, Schema> = {};
  for (const selection of set.selections) {
    if (selection.kind !== Kind.FIELD) continue;
    const field = fields[selection.name.value];
    if (!field) continue;
    const key = selection.alias?.value ?? selection.name.value;
    const described = outputSchema(field.type, selection.selectionSet, [...path, key], lower);
    properties[key] = field.description ? { ...described, description: field.description } : described;
  }
  return { type: "object", properties, required: Object.keys(properties) };
}

function outputSchema(
  type: GraphQLOutputType,
  set: SelectionSetNode | undefined,
  path: readonly string[],
  lower: ReadonlySet<string>,
): Schema {
  if (isNonNullType(type)) return withoutNull(outputSchema(type.ofType, set, path, lower));
  if (isListType(type)) return { type: ["array", "null"], items: outputSchema(type.ofType, set, path, lower) };
  if ((isObjectType(type) || isInterfaceType(type)) && set) {
    return { ...objectSchema(type.getFields(), set, path, lower), type: ["object", "null"] };
  }
  const leaf = leafSchema(type);
  const values = leaf.enum as string[] | undefined;
  const spelt =
    values && lower.has(path.join(".")) ? { ...leaf, enum: values.map((value) => value.toLowerCase()) } : leaf;
  const enumWithNull = Array.isArray(spelt.enum) ? { enum: [...spelt.enum, null] } : {};
  return { ...spelt, ...enumWithNull, type: [spelt.type, "null"] };
}

function withoutNull(schema: Schema): Schema {
  const { type, enum: values } = schema;
  return {
    ...schema,
    ...(Array.isArray(type) && { type: type[0] as unknown }),
    ...(Array.isArray(values) && { enum: values.filter((value) => value !== null) }),
  };
}

function describeDownload({ path, summary, action, formats, parameters }: Download): Schema {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries({ ...parameters, format: "Format of the file." }).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema: name === "format" ? { enum: formats, default: "ndjson" } : { type: "string" },
  }));
  const content = { "application/x-ndjson": {}, ...(formats.includes("csv") && { "text/csv": {} }) };
  return {
    operationId: action.replaceAll(/\W(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    tags: ["downloads"],
    parameters: [...inPath, ...inQuery],
    responses: { "200": { description: "The file, as it is read", content } },
  };
}
