import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyRequest } from "fastify";
import { PublicError } from "../base/errors.js";

/** Operations that were written down beforehand, by the SHA-256 of their text. */
export type TrustedDocuments = ReadonlyMap<string, string>;

/**
 * Reads what client generators write: `{"<sha256>": "<text>"}`, or a manifest of Apollo's with `operations`.
 * @throws Error when the file is neither, or a text does not have the hash it is filed under
 */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  const content = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  const operations = Array.isArray(content.operations)
    ? (content.operations as { id: string; body: string }[]).map(({ id, body }) => [id, body] as const)
    : Object.entries(content as Record<string, string>);
  for (const [id, text] of operations) {
    if (typeof text !== "string" || hashOf(text) !== id.replace(/^sha256:/, "")) {
      throw new Error(`${path}: the document filed under "${id}" does not have that SHA-256`);
    }
  }
  return new Map(operations.map(([id, text]) => [id.replace(/^sha256:/, ""), text]));
}

export interface Asked {
  query?: unknown;
  documentId?: unknown;
  extensions?: unknown;
}

/**
 * Puts the text of a trusted document in the place of its name, and refuses everything else.
 * @throws PublicError QUERY_NOT_TRUSTED
 */
export function resolveTrusted(request: FastifyRequest, documents: TrustedDocuments): void {
  const asked = (request.method === "GET" ? request.query : request.body) as Asked | Asked[] | null | undefined;
  for (const one of Array.isArray(asked) ? asked : [asked ?? {}]) {
    one.query = textOf(one, documents);
    delete one.documentId;
    delete one.extensions;
  }
}

/** @throws PublicError QUERY_NOT_TRUSTED */
export function textOf(asked: Asked, documents: TrustedDocuments): string {
  const hash = nameOf(asked);
  const text = hash === null ? undefined : documents.get(hash);
  if (text !== undefined) return text;
  throw new PublicError("QUERY_NOT_TRUSTED", "Only operations that were registered beforehand are answered here");
}

function nameOf({ query, documentId, extensions }: Asked): string | null {
  if (typeof documentId === "string") return documentId.replace(/^sha256:/, "");
  if (typeof query === "string" && query !== "") return hashOf(query);
  try {
    const parsed: unknown = typeof extensions === "string" ? JSON.parse(extensions) : extensions;
    const hash = (parsed as { persistedQuery?: { sha256Hash?: unknown } } | null)?.persistedQuery?.sha256Hash;
    return typeof hash === "string" ? hash : null;
  } catch {
    return null;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
