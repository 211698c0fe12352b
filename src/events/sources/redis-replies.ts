import type { Redis } from "ioredis";
import type { RedisConnection } from "./redis-connection.js";

/** Answers with an error, such as `NOGROUP …`: the connection is fine. */
export class RedisRefusal extends Error {
  override name = "RedisRefusal";
}

/** A whole answer as it came; valid until the next command. */
export interface Reply {
  readonly bytes: Buffer;
  readonly length: number;
}

export const LINE_END = 13;
const MINUS = 45;
const ZERO = 48;
const ARRAY = 42;
const BULK = 36;
const ERROR = 45;

const FIRST_CAPACITY = 256 * 1024;
/** A buffer that grew beyond this for one answer is not kept. */
const KEPT_CAPACITY = 8 * 1024 * 1024;

/**
 * Takes over an ioredis connection to read the large answers of stream commands. ioredis makes a Buffer and then a text of
 * each field, in about 10 µs for an entry with six of them; here an entry is cut out of its bytes in 1 to 2 µs. One
 * command at a time; commands through the client itself no longer work.
 */
export class ReplyReader {
  #bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;
  /** How far the answer has been looked through, and how many more values belong to it. */
  #position = 0;
  #missing = 1;
  #waiting: { readonly resolve: (reply: Reply) => void; readonly reject: (error: Error) => void } | null = null;
  #lost: Error | null = null;
  readonly #stream: Redis["stream"];

  /** The client must have no command under way. */
  constructor({ client, lost }: RedisConnection) {
    this.#stream = client.stream;
    this.#stream.removeAllListeners("data");
    this.#stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    lost.then((error) => {
      this.#lost = error;
      this.#waiting?.reject(error);
    }, undefined);
  }

  /**
   * @throws RedisRefusal when the server answers with an error
   * @throws Error when the connection is lost or the answer takes longer than `timeoutMs`
   */
  async call(command: readonly string[], timeoutMs: number): Promise<Reply> {
    if (this.#lost) throw this.#lost;
    let text = `*${command.length}\r\n`;
    for (const argument of command) text += `$${Buffer.byteLength(argument)}\r\n${argument}\r\n`;
    this.#length = 0;
    this.#position = 0;
    this.#missing = 1;
    if (this.#bytes.length > KEPT_CAPACITY) this.#bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    const timer = setTimeout(
      () => this.#stream.destroy(new Error(`no answer to ${command[0]} in ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#stream.write(text);
      });
      if (reply.bytes[0] !== ERROR) return reply;
      throw new RedisRefusal(reply.bytes.toString("utf8", 1, reply.length - 2));
    } finally {
      clearTimeout(timer);
      this.#waiting = null;
    }
  }

  #receive(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length = length;
    if (this.#isComplete()) this.#waiting?.resolve({ bytes: this.#bytes, length });
  }

  /** Looks at lengths only, and goes on where it stopped when more has arrived. */
  #isComplete(): boolean {
    const bytes = this.#bytes;
    const length = this.#length;
    while (this.#missing > 0) {
      const start = this.#position;
      let end = start + 1;
      while (end < length && bytes[end] !== LINE_END) end++;
      if (end + 1 >= length) return false;
      const type = bytes[start];
      const size = type === BULK || type === ARRAY ? numberAt(bytes, start + 1) : 0;
      let next = end + 2;
      if (type === BULK && size >= 0) next += size + 2;
      if (next > length) return false;
      this.#position = next;
      this.#missing += type === ARRAY && size > 0 ? size - 1 : -1;
    }
    return true;
  }
}

/** The number of a header: the length of what follows, -1 for null. */
export function numberAt(bytes: Buffer, start: number): number {
  if (bytes[start] === MINUS) return -1;
  let number = 0;
  for (let index = start; bytes[index] !== LINE_END; index++) number = number * 10 + (bytes[index] as number) - ZERO;
  return number;
}
