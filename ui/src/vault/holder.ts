/** A holder's secret half, made of 24 words (docs/keys.md). It never leaves this page but as what it signs or re-encrypts. */
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { bech32 } from "@scure/base";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { Decrypter, Encrypter } from "age-encryption";

import { derive, hash, join, toBase64, toHex, utf8 } from "./crypto";

/** Why words are not a holder's. */
export type WordsProblem = "count" | "word" | "checksum";

/** 24 words as somebody typed them: any spaces, any case. */
function tidy(words: string): string[] {
  return words
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
}

/** Every word that is not in the list, with its place from 1: what to look at again on the sheet. */
export function strangeWords(words: string): { place: number; word: string }[] {
  return tidy(words).flatMap((word, n) => (wordlist.includes(word) ? [] : [{ place: n + 1, word }]));
}

const CONSENT = "louver consent v1\n";
const SIGN_IN = "louver sign-in v1\n";

export class HolderIdentity {
  readonly #secret: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #age: string;
  /** `holder1…`: what the others know. */
  readonly publicHalf: string;
  /** 16 hex digits. */
  readonly id: string;

  private constructor(secret: Uint8Array) {
    this.#secret = secret;
    const salt = utf8("louver holder v1");
    const scalar = derive(secret, salt, utf8("age"));
    this.#seed = derive(secret, salt, utf8("sign"));
    this.#age = bech32.encodeFromBytes("age-secret-key-", scalar).toUpperCase();
    const both = join(x25519.getPublicKey(scalar), ed25519.getPublicKey(this.#seed));
    scalar.fill(0);
    this.publicHalf = bech32.encode("holder", bech32.toWords(both), false);
    this.id = idOfBytes(both);
  }

  /** A new one, from the browser's random numbers. */
  static generate(): HolderIdentity {
    return new HolderIdentity(crypto.getRandomValues(new Uint8Array(32)));
  }

  static fromSecret(secret: Uint8Array): HolderIdentity {
    return new HolderIdentity(secret.slice());
  }

  /** Of 24 words, or why not. */
  static fromWords(words: string): HolderIdentity | WordsProblem {
    const list = tidy(words);
    if (list.length !== 24) return "count";
    if (list.some((word) => !wordlist.includes(word))) return "word";
    try {
      return new HolderIdentity(mnemonicToEntropy(list.join(" "), wordlist));
    } catch {
      return "checksum";
    }
  }

  /** The words of a holder file: its one line that is no comment. */
  static fromFile(text: string): HolderIdentity | WordsProblem {
    const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
    return HolderIdentity.fromWords(lines.join(" "));
  }

  /** For the recovery sheet. */
  words(): string[] {
    return entropyToMnemonic(this.#secret, wordlist).split(" ");
  }

  #sign(label: string, ...parts: Uint8Array[]): string {
    return toBase64(ed25519.sign(join(utf8(label), ...parts), this.#seed));
  }

  /** Signs a document's exact bytes; base64. */
  consent(document: string): string {
    return this.#sign(CONSENT, utf8(document));
  }

  /** Answers a server's challenge; base64. */
  answer(site: Uint8Array, challenge: Uint8Array): string {
    return this.#sign(SIGN_IN, site, challenge);
  }

  /** Opens an age file that was encrypted to this holder; throws where it was not. */
  decrypt(file: Uint8Array): Promise<Uint8Array> {
    const age = new Decrypter();
    age.addIdentity(this.#age);
    return age.decrypt(file, "uint8array");
  }

  /** Under a passphrase, for the browser's storage: an age file of kind scrypt. */
  async lock(passphrase: string, workFactor = 18): Promise<Uint8Array> {
    const age = new Encrypter();
    age.setScryptWorkFactor(workFactor);
    age.setPassphrase(passphrase);
    return age.encrypt(this.#secret);
  }

  /** What `lock` made; throws with another passphrase. */
  static async unlock(file: Uint8Array, passphrase: string): Promise<HolderIdentity> {
    const age = new Decrypter();
    age.addPassphrase(passphrase);
    return new HolderIdentity(await age.decrypt(file, "uint8array"));
  }
}

/** Whether `signature` (base64) over `document` is by the holder of `publicHalf`. */
export function consented(publicHalf: string, document: string, signature: Uint8Array): boolean {
  const both = fromPublicHalf(publicHalf);
  if (!both) return false;
  try {
    return ed25519.verify(signature, join(utf8(CONSENT), utf8(document)), both.subarray(32));
  } catch {
    return false;
  }
}

/** X25519 and Ed25519 public keys, 32 bytes each. */
function fromPublicHalf(text: string): Uint8Array | null {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, false);
    const bytes = bech32.fromWords(words);
    return prefix === "holder" && bytes.byteLength === 64 ? bytes : null;
  } catch {
    return null;
  }
}

function idOfBytes(both: Uint8Array): string {
  return toHex(hash(utf8("louver holder id"), both).subarray(0, 8));
}

/** The id of a public half, `null` where it is none. */
export function idOf(publicHalf: string): string | null {
  const both = fromPublicHalf(publicHalf);
  return both && idOfBytes(both);
}

/** The age recipient of a public half, to encrypt for its holder. */
export function recipientOf(publicHalf: string): string | null {
  const both = fromPublicHalf(publicHalf);
  return both && bech32.encodeFromBytes("age", both.subarray(0, 32));
}
