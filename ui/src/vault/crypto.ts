/** The hash, key derivation and cipher that docs/format-sealed.md names; nothing of it is our own. */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";

const TEXT = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return TEXT.encode(text);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

export function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

export function i64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, value);
  return out;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Of lower-case hex; anything else gives nothing. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, n) => parseInt(text.slice(2 * n, 2 * n + 2), 16));
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const bytes = atob(text);
  return Uint8Array.from(bytes, (letter) => letter.charCodeAt(0));
}

/** SHA-256 of small things, at once. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const state = sha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

/** SHA-256 of pictures: by the browser, which is many times faster. */
export async function hashLarge(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** HKDF-SHA-256 (RFC 5869), 32 bytes. */
export function derive(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array<ArrayBuffer> {
  const prk = extract(sha256, ikm, salt);
  const out = expandKey(prk, info);
  prk.fill(0);
  return out;
}

/** HKDF-Expand alone, 32 bytes. Web Crypto has only both steps in one. */
export function expandKey(prk: Uint8Array, info: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(expand(sha256, prk, info, 32));
}

/** Compares without telling by its time where they differ. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  let difference = 0;
  one.forEach((byte, n) => (difference |= byte ^ (other[n] ?? 0)));
  return difference === 0;
}
