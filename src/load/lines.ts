import { isUtf8 } from "node:buffer";
import { LoadFailed, UsageError } from "./errors.js";

/** Some lines of a file, in their order. */
export interface LineBlock {
  readonly lines: readonly string[];
  /** Which of them are not in the encoding that they should be in; their text shows U+FFFD there. */
  readonly broken: ReadonlySet<number>;
  /** How much of the file has been read, 0 to 1. */
  readonly fraction: number;
}

/** Longer lines are no text that anyone wrote for this: memory stays bounded. */
const LONGEST_LINE = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/** The name of a character encoding as it is decoded; its lines must end as those of ASCII do. @throws UsageError */
export function checkEncoding(label: string): string {
  try {
    const { encoding } = new TextDecoder(label);
    if (!encoding.startsWith("utf-16")) return encoding;
  } catch {
    // Told below.
  }
  throw new UsageError(`--encoding ${label}: expected utf-8 or a single-byte one such as windows-1252`);
}

/** Lines without their line feed; a carriage return before it stays, since a quoted CSV cell may hold one. */
export async function* lineBlocks(
  chunks: AsyncIterable<{ bytes: Buffer; fraction: number }>,
  encoding: string,
): AsyncGenerator<LineBlock> {
  const decode = decoderOf(encoding);
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isFirst = true;
  const blockOf = (bytes: Buffer, fraction: number): LineBlock => {
    const text = decode(bytes);
    const lines = (isFirst && text.startsWith("\uFEFF") ? text.slice(1) : text).split("\n");
    isFirst = false;
    return { lines, broken: brokenLines(bytes, encoding), fraction };
  };
  let last = 0;
  for await (const { bytes, fraction } of chunks) {
    last = fraction;
    const end = bytes.lastIndexOf(NEWLINE);
    if (end === -1) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes > LONGEST_LINE) {
        throw new LoadFailed(`a line is longer than ${LONGEST_LINE >> 20} MB: is the format right?`);
      }
      continue;
    }
    const whole = waiting.length > 0 ? Buffer.concat([...waiting, bytes.subarray(0, end)]) : bytes.subarray(0, end);
    waiting = [bytes.subarray(end + 1)];
    waitingBytes = bytes.length - end - 1;
    yield blockOf(whole, fraction);
  }
  if (waitingBytes > 0) yield blockOf(Buffer.concat(waiting), last);
}

function decoderOf(encoding: string): (bytes: Buffer) => string {
  if (encoding === "utf-8") return (bytes) => bytes.toString("utf8");
  const decoder = new TextDecoder(encoding);
  return (bytes) => decoder.decode(bytes);
}

const NONE: ReadonlySet<number> = new Set();

function brokenLines(bytes: Buffer, encoding: string): ReadonlySet<number> {
  if (encoding !== "utf-8" || isUtf8(bytes)) return NONE;
  const broken = new Set<number>();
  for (let from = 0, line = 0; from <= bytes.length; line++) {
    const at = bytes.indexOf(NEWLINE, from);
    const end = at === -1 ? bytes.length : at;
    if (!isUtf8(bytes.subarray(from, end))) broken.add(line);
    from = end + 1;
  }
  return broken;
}
