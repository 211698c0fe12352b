import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { type Clock, SECOND } from "../base/clock.js";
import type { AuditCheckpoints, AuditEntries, Checkpoint, Tail } from "../db/index.js";
import type { Logger } from "../ops/logs.js";

/** Ed25519. Whoever has no part of it cannot make a checkpoint; whoever has the public part can check one. */
export interface CheckpointKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** @throws Error for a key that is not Ed25519 */
export function checkpointKey(pem: string): CheckpointKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== "ed25519") throw new Error("the key that signs checkpoints must be Ed25519");
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: "spki", format: "der" });
  return { id: createHash("sha256").update(der).digest("hex").slice(0, 16), privateKey, publicKey };
}

/** What is signed: the text of a list that begins with the version of this rule. */
function signedText({ tenant, seq, hash, createdAt, keyId, previous }: Omit<Checkpoint, "signature">): Buffer {
  return Buffer.from(JSON.stringify(["crowsnest-checkpoint-1", tenant, seq, hash, createdAt, keyId, previous]));
}

export function isSignedBy(key: Pick<CheckpointKey, "id" | "publicKey">, checkpoint: Checkpoint): boolean {
  if (checkpoint.keyId !== key.id) return false;
  return verify(null, signedText(checkpoint), key.publicKey, Buffer.from(checkpoint.signature, "base64"));
}

/** Lines of a file of checkpoints; none when there is no file. A torn last line, of a killed process, is passed over. */
export async function readCheckpointFile(path: string): Promise<Checkpoint[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Checkpoint);
}

export interface CheckpointerOptions {
  readonly entries: AuditEntries;
  readonly checkpoints: AuditCheckpoints;
  readonly key: CheckpointKey;
  /** Best on another disk, or carried elsewhere: without it nobody can tell that the end of the trail is missing. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is newer could be cut off unnoticed. */
const EVERY_MS = 5 * SECOND;

/** Writes a signed checkpoint soon after entries have been added, to the database and to a file. */
export class Checkpointer {
  readonly #written = new Map<string, bigint>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(readonly options: CheckpointerOptions) {}

  async start(): Promise<void> {
    const { checkpoints, file, key } = this.options;
    await dropTornLine(file);
    const inDatabase = new Set((await checkpoints.list()).map(({ signature }) => signature));
    for (const checkpoint of await readCheckpointFile(file)) {
      // A process that was killed between the two places had written to the file first.
      if (!inDatabase.has(checkpoint.signature) && isSignedBy(key, checkpoint)) await checkpoints.restore(checkpoint);
    }
    this.#timer = setInterval(() => {
      this.write().catch((error: unknown) => {
        this.options.log.warn({ error: String(error) }, "a checkpoint of the audit trail cannot be written yet");
      });
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Brings the checkpoints up to what has been written. */
  write(): Promise<void> {
    const next = this.#last.then(() => this.#write());
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Both places as they are at one moment. @param path another copy of the file */
  async read(path = this.options.file): Promise<{ inDatabase: Checkpoint[]; file: Checkpoint[] }> {
    await this.write();
    const reading = this.#last.then(async () => ({
      inDatabase: await this.options.checkpoints.list(),
      file: await readCheckpointFile(path),
    }));
    this.#last = reading.then(
      () => undefined,
      () => undefined,
    );
    return reading;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  async #write(): Promise<void> {
    for (const [tenant, tail] of this.options.entries.tails) await this.#add(tenant, tail);
  }

  async #add(tenant: string, tail: Tail): Promise<void> {
    if ((this.#written.get(tenant) ?? 0n) >= tail.seq) return;
    await this.options.checkpoints.add(tenant, tail, (previous) => this.#sign(tenant, tail, previous));
    this.#written.set(tenant, tail.seq);
  }

  async #sign(tenant: string, { seq, hash }: Tail, previous: string): Promise<Checkpoint> {
    const { key, clock, file } = this.options;
    const unsigned = { tenant, seq: String(seq), hash, createdAt: clock(), keyId: key.id, previous };
    const checkpoint = { ...unsigned, signature: sign(null, signedText(unsigned), key.privateKey).toString("base64") };
    const handle = await open(file, "a", 0o600);
    try {
      await handle.write(`${JSON.stringify(checkpoint)}\n`);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return checkpoint;
  }
}

async function dropTornLine(file: string): Promise<void> {
  const handle = await open(file, "a+", 0o600);
  try {
    const bytes = await handle.readFile();
    const whole = bytes.lastIndexOf(10) + 1;
    if (whole < bytes.length) await handle.truncate(whole);
  } finally {
    await handle.close();
  }
}
