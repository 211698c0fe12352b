import type { RawMessage } from "./shapes/index.js";

/** The messages of NDJSON text, one a line; empty lines are left out, and a line that is no JSON is a message at fault. */
export function ndjsonMessages(text: string, origin: string): RawMessage[] {
  const messages: RawMessage[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() !== "") messages.push({ value: parsed(line), text: line, fallbackId: null, origin });
  }
  return messages;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
