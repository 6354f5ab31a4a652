/** Signed notes and verifier keys (c2sp.org/signed-note), as far as an export needs them. */
import { ed25519 } from "@noble/curves/ed25519.js";

import { fromBase64, hash, same, toBase64, toHex, utf8 } from "../vault/crypto";

export interface VerifierKey {
  name: string;
  /** The key as it is written. */
  text: string;
  id: Uint8Array;
  public: Uint8Array;
}

/** Bytes of base64 in the one way it can be written. */
export function strictBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = fromBase64(text);
    return toBase64(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** `NAME+8 HEX DIGITS+BASE64` of a key that signs texts; `null` for anything else. */
export function parseKey(text: string): VerifierKey | null {
  const match = /^([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,64})$/.exec(text);
  const [, name, id, key] = match ?? [];
  if (name === undefined || key === undefined) return null;
  const bytes = strictBase64(key);
  if (bytes?.byteLength !== 33 || bytes[0] !== 1) return null;
  const made = hash(utf8(name), utf8("\n"), bytes).slice(0, 4);
  return toHex(made) === id ? { name, text, id: made, public: bytes.subarray(1) } : null;
}

export interface Note {
  /** With its last newline. */
  text: string;
  /** Signature lines. */
  lines: readonly string[];
}

/** Takes a note apart; `null` for what is none. */
export function parseNote(bytes: Uint8Array): Note | null {
  let all: string;
  try {
    all = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const end = all.lastIndexOf("\n\n");
  if (end < 0 || !all.endsWith("\n")) return null;
  return { text: all.slice(0, end + 1), lines: all.slice(end + 2, -1).split("\n") };
}

/** Whether a line of the note is the key's signature. */
export function signedBy(note: Note, key: VerifierKey): boolean {
  const start = `— ${key.name} `;
  return note.lines.some((line) => {
    const bytes = line.startsWith(start) ? strictBase64(line.slice(start.length)) : null;
    if (bytes?.byteLength !== 68 || !same(bytes.subarray(0, 4), key.id)) return false;
    try {
      return ed25519.verify(bytes.subarray(4), utf8(note.text), key.public, { zip215: false });
    } catch {
      return false;
    }
  });
}
