import { type AuditCheckpoints, type Checkpoint, type EntryText, GENESIS, hashOfEntry } from "../db/index.js";
import { type CheckpointKey, isSignedBy } from "./checkpoints.js";

/** The first thing found wrong. */
export interface AuditFault {
  readonly kind:
    | "missing entry"
    | "changed entry"
    | "broken link"
    | "unhashed entry"
    | "missing end"
    | "changed checkpoint"
    | "missing checkpoint";
  readonly tenant: string;
  readonly seq: string;
  readonly message: string;
}

export interface AuditVerdict {
  readonly entries: number;
  readonly tenants: number;
  readonly checkpoints: number;
  /** Entries after the last checkpoint of their tenant: nothing proves yet who wrote them, or that none is missing. */
  readonly unsigned: number;
  /** Null: the trail is whole. */
  readonly fault: AuditFault | null;
}

export interface VerifyOptions {
  readonly trail: Pick<AuditCheckpoints, "pages">;
  readonly inDatabase: readonly Checkpoint[];
  /** Whose signatures count. */
  readonly key: Pick<CheckpointKey, "id" | "publicKey">;
  /** As kept elsewhere. */
  readonly file: readonly Checkpoint[];
  readonly onProgress?: (verified: number) => void;
}

/** Large enough that asking costs little, small enough to be held in memory. */
const PAGE = 10_000;

/**
 * Reads the whole trail and computes everything again: numbers without gaps, hashes, links, and that every checkpoint,
 * in the database and in the file, is signed, follows on from the one before and is about the entry as it stands.
 */
export async function verifyTrail(options: VerifyOptions): Promise<AuditVerdict> {
  const { inDatabase } = options;
  const checked = new CheckedCheckpoints(inDatabase, options.file, options.key);
  const walk = new Walk(checked);
  const verdict = (fault: AuditFault | null): AuditVerdict => ({
    ...walk.counts,
    checkpoints: inDatabase.length,
    fault,
  });
  if (checked.fault) return verdict(checked.fault);
  for await (const page of options.trail.pages(PAGE)) {
    for (const entry of page) {
      const fault = walk.step(entry);
      if (fault) return verdict(fault);
    }
    options.onProgress?.(walk.counts.entries);
  }
  return verdict(walk.end() ?? checked.unreached());
}

/** Follows one tenant's chain after the other. */
class Walk {
  readonly counts = { entries: 0, tenants: 0, unsigned: 0 };
  #chain: Chain | null = null;

  constructor(readonly checked: CheckedCheckpoints) {}

  step(entry: EntryText): AuditFault | null {
    const [tenant] = entry[0];
    if (this.#chain?.tenant !== tenant) {
      const fault = this.end();
      if (fault) return fault;
      this.#chain = { tenant, seq: 0n, hash: GENESIS.hash };
      this.counts.tenants += 1;
    }
    const fault = follow(this.#chain, entry) ?? this.checked.at(this.#chain);
    if (fault) return fault;
    this.counts.entries += 1;
    if (this.checked.isBeyond(this.#chain)) this.counts.unsigned += 1;
    return null;
  }

  /** Whether the chain goes as far as checkpoints say. */
  end(): AuditFault | null {
    return this.#chain && this.checked.endOf(this.#chain);
  }
}

interface Chain {
  readonly tenant: string;
  seq: bigint;
  hash: string;
}

/** Takes the chain one entry on, or tells why it does not lead there. */
function follow(chain: Chain, [fields, prevHash, hash]: EntryText): AuditFault | null {
  const [tenant, seq] = fields;
  const fault = (kind: AuditFault["kind"], message: string): AuditFault => ({ kind, tenant, seq, message });
  const expected = chain.seq + 1n;
  if (BigInt(seq) !== expected) return fault("missing entry", `expected entry ${expected}, found ${seq}`);
  if (hash === null) return fault("unhashed entry", "the entry has no hash");
  if (prevHash !== chain.hash) return fault("broken link", "the entry does not follow on from the one before");
  if (hashOfEntry([...fields, prevHash]) !== hash) return fault("changed entry", "the entry is not what was hashed");
  chain.seq = expected;
  chain.hash = hash;
  return null;
}

/** What checkpoints promise of the entries, by tenant and number. */
class CheckedCheckpoints {
  readonly #promised = new Map<string, Map<string, string>>();
  readonly #last = new Map<string, bigint>();
  readonly fault: AuditFault | null;

  constructor(
    inDatabase: readonly Checkpoint[],
    file: readonly Checkpoint[],
    key: Pick<CheckpointKey, "id" | "publicKey">,
  ) {
    this.fault = linksFault(inDatabase, key) ?? linksFault(inOrder(file), key) ?? differenceOf(inDatabase, file);
    for (const { tenant, seq, hash } of inDatabase) {
      const ofTenant = this.#promised.get(tenant) ?? new Map<string, string>();
      this.#promised.set(tenant, ofTenant.set(seq, hash));
      this.#last.set(tenant, BigInt(seq));
    }
  }

  /** Whether the entry that the chain has come to is the one that was signed. */
  at({ tenant, seq, hash }: Chain): AuditFault | null {
    const ofTenant = this.#promised.get(tenant);
    const promised = ofTenant?.get(String(seq));
    if (promised === undefined) return null;
    ofTenant?.delete(String(seq));
    if (promised === hash) return null;
    const message = "the entry is not the one that a checkpoint was signed for: all since have been written anew";
    return { kind: "changed entry", tenant, seq: String(seq), message };
  }

  /** Whether no checkpoint is left that covers the entry. */
  isBeyond({ tenant, seq }: Chain): boolean {
    return seq > (this.#last.get(tenant) ?? 0n);
  }

  /** Whether the chain goes as far as checkpoints say. */
  endOf({ tenant, seq }: Chain): AuditFault | null {
    const [beyond] = this.#promised.get(tenant)?.keys() ?? [];
    if (beyond === undefined) return null;
    const message = `the trail ends at entry ${seq}, but a checkpoint was signed for entry ${beyond}`;
    return { kind: "missing end", tenant, seq: beyond, message };
  }

  /** Of tenants whose trail has gone altogether. */
  unreached(): AuditFault | null {
    for (const [tenant, promised] of this.#promised) {
      if (promised.size > 0) return this.endOf({ tenant, seq: 0n, hash: GENESIS.hash });
    }
    return null;
  }
}

function linksFault(list: readonly Checkpoint[], key: Pick<CheckpointKey, "id" | "publicKey">): AuditFault | null {
  const last = new Map<string, string>();
  for (const checkpoint of list) {
    const { tenant, seq, previous, signature } = checkpoint;
    if (!isSignedBy(key, checkpoint)) {
      return { kind: "changed checkpoint", tenant, seq, message: "the checkpoint is not signed by this gateway's key" };
    }
    if (previous !== (last.get(tenant) ?? "")) {
      return { kind: "missing checkpoint", tenant, seq, message: "the checkpoint before this one is missing" };
    }
    last.set(tenant, signature);
  }
  return null;
}

/** The two places must tell the same. */
function differenceOf(inDatabase: readonly Checkpoint[], file: readonly Checkpoint[]): AuditFault | null {
  const missing = (from: readonly Checkpoint[], other: readonly Checkpoint[], where: string): AuditFault | null => {
    const known = new Set(other.map(({ signature }) => signature));
    const lost = from.find(({ signature }) => !known.has(signature));
    if (!lost) return null;
    const message = `the checkpoint is missing in ${where}`;
    return { kind: "missing checkpoint", tenant: lost.tenant, seq: lost.seq, message };
  };
  return missing(file, inDatabase, "the database") ?? missing(inDatabase, file, "the file");
}

function inOrder(file: readonly Checkpoint[]): Checkpoint[] {
  return file.toSorted((a, b) =>
    a.tenant < b.tenant ? -1 : a.tenant > b.tenant ? 1 : Number(BigInt(a.seq) - BigInt(b.seq)),
  );
}
