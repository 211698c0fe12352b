import { createHash, createPrivateKey, createPublicKey, createSecretKey, KeyObject } from "node:crypto";
import { createRemoteJWKSet, errors, type JWK } from "jose";
import { MINUTE, SECOND } from "../base/clock.js";

export type JwtAlgorithm = "HS256" | "HS384" | "HS512" | "RS256" | "ES256";

/** A key that is good for one algorithm and no other: a public key never passes for a shared secret. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: JwtAlgorithm;
  readonly key: KeyObject;
}

export interface KeyRingOptions {
  /** Shared with whoever else mints tokens; signs unless there is a private key. */
  readonly secret: string;
  readonly algorithm: "HS256" | "HS384" | "HS512";
  /** PEM of an RSA key (RS256) or one on the curve P-256 (ES256), to sign with. */
  readonly privateKey?: string | undefined;
  /** Keys that were signed with before: PEM blocks, and secrets a line each. */
  readonly previous?: string | undefined;
}

const PEM_BLOCK = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;
const MIN_RSA_BITS = 2048;

/** The gateway's own keys. */
export class KeyRing {
  readonly #keys: readonly TokenKey[];
  /** What new tokens are signed with. */
  readonly signing: TokenKey;

  /** @throws Error for a key that is no such key */
  constructor({ secret, algorithm, privateKey, previous = "" }: KeyRingOptions) {
    const shared = secretKey(secret, algorithm);
    const own = privateKey === undefined ? null : createPrivateKey(privateKey);
    const older = [
      ...[...previous.matchAll(PEM_BLOCK)].map(([pem]) => publicKey(createPublicKey(pem))),
      ...previous
        .replaceAll(PEM_BLOCK, "")
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean)
        .map((line) => secretKey(line, algorithm)),
    ];
    const verifying = own && publicKey(createPublicKey(own));
    this.signing = own && verifying ? { ...verifying, key: own } : shared;
    this.#keys = [...(verifying ? [verifying] : []), shared, ...older];
  }

  /** Keys that may have signed a token: the one that it names, else all of its algorithm. */
  candidates(algorithm: unknown, id: unknown): readonly TokenKey[] {
    const fitting = this.#keys.filter((key) => key.algorithm === algorithm);
    const named = fitting.filter((key) => key.id === id);
    return named.length > 0 ? named : fitting;
  }

  /** The public keys, for others who verify the gateway's tokens. */
  publicKeys(): JWK[] {
    return this.#keys
      .filter(({ key }) => key.type === "public")
      .map(({ id, algorithm, key }) => ({
        ...(key.export({ format: "jwk" }) as JWK),
        kid: id,
        alg: algorithm,
        use: "sig",
      }));
  }
}

/** Of a hash of the secret, and little enough of it that nobody can check a guess against it offline any faster. */
function secretKey(secret: string, algorithm: JwtAlgorithm): TokenKey {
  const id = createHash("sha256").update("crowsnest-kid").update(secret).digest("base64url").slice(0, 6);
  return { id, algorithm, key: createSecretKey(secret, "utf8") };
}

/** @throws Error for a kind or strength of key that is not good enough */
function publicKey(key: KeyObject): TokenKey {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const jwk = key.export({ format: "jwk" }) as JWK;
  if (key.asymmetricKeyType === "rsa" && modulusLength >= MIN_RSA_BITS) {
    return { id: thumbprint({ e: jwk.e, kty: jwk.kty, n: jwk.n }), algorithm: "RS256", key };
  }
  if (key.asymmetricKeyType === "ec" && namedCurve === "prime256v1") {
    return { id: thumbprint({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }), algorithm: "ES256", key };
  }
  throw new Error(`keys of tokens are RSA of ${MIN_RSA_BITS} bits or more, or on the curve P-256`);
}

/** RFC 7638. */
function thumbprint(members: Record<string, unknown>): string {
  return createHash("sha256").update(JSON.stringify(members)).digest("base64url");
}

/** Algorithms of outside keys: never one with a shared secret, which a public key could be taken for. */
const OUTSIDE_ALGORITHMS: ReadonlySet<unknown> = new Set(["RS256", "ES256"]);

/** The keys of an identity provider, looked up by the id that a token names and kept for a while. */
export class OutsideKeys {
  readonly #find: ReturnType<typeof createRemoteJWKSet>;

  constructor(url: string) {
    const times = { cacheMaxAge: 10 * MINUTE, cooldownDuration: 30 * SECOND, timeoutDuration: 5 * SECOND };
    this.#find = createRemoteJWKSet(new URL(url), times);
  }

  /**
   * @returns null when the provider has no such key for this algorithm
   * @throws Error when the provider does not answer
   */
  async find(header: Readonly<Record<string, unknown>>): Promise<TokenKey | null> {
    const { alg, kid } = header;
    if (!OUTSIDE_ALGORITHMS.has(alg) || typeof kid !== "string") return null;
    try {
      const key = await this.#find({ alg: alg as string, kid });
      return { id: kid, algorithm: alg as JwtAlgorithm, key: KeyObject.from(key as never) };
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return null;
      throw error;
    }
  }
}
