import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RedisConnection } from "./redis-connection.js";
import { readClaimed, readEntries } from "./redis-entries.js";
import { RedisRefusal, ReplyReader } from "./redis-replies.js";

type Value = null | number | string | Buffer | readonly Value[];

/** As a server writes it. */
function encode(value: Value): Buffer {
  if (value === null) return Buffer.from("*-1\r\n");
  if (typeof value === "number") return Buffer.from(`:${value}\r\n`);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** A reader and the other end of its connection. */
function reader() {
  const stream = new PassThrough();
  const sent: string[] = [];
  stream.write = ((text: string) => sent.push(text)) as unknown as typeof stream.write;
  let lose: (error: Error) => void = () => undefined;
  const lost = new Promise<Error>((resolve) => {
    lose = resolve;
  });
  const connection = { client: { stream }, lost, close: () => undefined } as unknown as RedisConnection;
  return { replies: new ReplyReader(connection), sent, lose, receive: (bytes: Buffer) => stream.emit("data", bytes) };
}

async function answered(reply: Value, cuts: readonly number[] = []) {
  const { replies, receive } = reader();
  const answer = replies.call(["XREADGROUP"], 1000);
  const bytes = encode(reply);
  const ends = [...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of ends) {
    receive(Buffer.from(bytes.subarray(start, end)));
    start = end;
  }
  return answer;
}

const fields = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), {
  minKeys: 1,
  noNullPrototype: true,
});
const entry = fc.tuple(fc.stringMatching(/^\d{1,13}-\d$/), fields);
const streams = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.array(entry, { maxLength: 4 })), { minLength: 1 });

describe("entries of streams", () => {
  it("are read as they were written, however the answer is cut on its way", async () => {
    await fc.assert(
      fc.asyncProperty(streams, fc.array(fc.nat(), { maxLength: 8 }), async (sent, cuts) => {
        const reply = sent.map(([stream, list]) => [
          stream,
          list.map(([id, record]) => [id, Object.entries(record).flat()]),
        ]);
        const { messages, ids } = readEntries(await answered(reply, cuts));
        const expected = sent.flatMap(([stream, list]) =>
          list.map(([id, record]) => ({
            value: { ...record },
            fallbackId: `${stream}/${id}`,
            origin: `redis:${stream}/${id}`,
            hints: { stream, id },
          })),
        );
        expect(messages.map((message) => ({ ...message, value: { ...(message.value as object) } }))).toEqual(expected);
        expect(new Set(ids.keys())).toEqual(new Set(sent.map(([stream]) => stream)));
      }),
      { numRuns: 300 },
    );
  });

  it("keep a field that is called like the prototype", async () => {
    const { messages } = readEntries(await answered([["s", [["1-0", ["__proto__", "a", "b", "c"]]]]]));
    expect(Object.entries(messages[0]?.value as object)).toEqual([
      ["__proto__", "a"],
      ["b", "c"],
    ]);
  });

  it("that are no UTF-8 come as bytes, the others beside them as text", async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x22, 0x00]);
    const reply = [
      [
        "s",
        [
          ["1-0", ["a", "ä", "b", bytes]],
          ["1-1", ["c", "d"]],
          ["1-2", [bytes, "ö"]],
        ],
      ],
    ] as const;
    const { messages, ids } = readEntries(await answered(reply));
    expect(messages.map(({ value }) => value)).toEqual([undefined, { c: "d" }, undefined]);
    const expected = Buffer.concat([Buffer.from('{"a":"ä","b":"{'), Buffer.from([0xff]), Buffer.from('\\"\\u0000"}')]);
    expect(messages[0]?.bytes).toEqual(expected);
    expect(ids.get("s")).toEqual(["1-0", "1-1", "1-2"]);
  });

  it("that were deleted are only acknowledged", async () => {
    const { messages, ids } = readEntries(
      await answered([
        [
          "s",
          [
            ["1-0", null],
            ["1-1", ["a", "b"]],
          ],
        ],
      ]),
    );
    expect(messages.map(({ fallbackId }) => fallbackId)).toEqual(["s/1-1"]);
    expect(ids.get("s")).toEqual(["1-0", "1-1"]);
  });

  it("may be none", async () => {
    expect(readEntries(await answered(null))).toEqual({ messages: [], ids: new Map() });
    expect(readEntries(await answered([["s", []]]))).toEqual({ messages: [], ids: new Map([["s", []]]) });
  });

  it("taken over are followed by where to go on", async () => {
    const { next, entries } = readClaimed(await answered(["5-1", [["1-0", ["a", "b"]], null], ["0-9"]]), "s");
    expect(next).toBe("5-1");
    expect(entries.messages.map(({ value }) => value)).toEqual([{ a: "b" }]);
    expect(entries.ids.get("s")).toEqual(["1-0"]);
  });

  it("may be long", async () => {
    const long = "x".repeat(3_000_000);
    const { messages } = readEntries(await answered([["s", [["1-0", ["a", long]]]]], [100, 1_000_000, 2_999_999]));
    expect(messages[0]?.value).toEqual({ a: long });
  });
});

describe("a reader of replies", () => {
  it("writes commands as the protocol wants them", async () => {
    const { replies, sent, receive } = reader();
    const answer = replies.call(["PING", "ä"], 1000);
    expect(sent).toEqual(["*2\r\n$4\r\nPING\r\n$2\r\nä\r\n"]);
    receive(Buffer.from("+PONG\r\n"));
    expect((await answer).bytes.toString("utf8", 0, 7)).toBe("+PONG\r\n");
  });

  it("throws what the server answers with, and goes on", async () => {
    const { replies, receive } = reader();
    const first = replies.call(["A"], 1000);
    receive(Buffer.from("-NOGROUP No such key\r\n"));
    await expect(first).rejects.toEqual(new RedisRefusal("NOGROUP No such key"));
    const second = replies.call(["B"], 1000);
    receive(encode("fine"));
    expect((await second).length).toBe(10);
  });

  it("throws when the connection is lost, then and later", async () => {
    const { replies, lose } = reader();
    const answer = replies.call(["A"], 1000);
    lose(new Error("gone"));
    await expect(answer).rejects.toThrow("gone");
    await expect(replies.call(["B"], 1000)).rejects.toThrow("gone");
  });
});
