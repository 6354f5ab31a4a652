/** Shares of a holder secret: docs/format-sealed.md, "Share file". */
import { combine as combineShamir } from "shamir-secret-sharing";

import { Bytes, Damage, must } from "../lib/bytes";
import { hash, toHex, utf8 } from "./crypto";

export interface Share {
  needed: number;
  of: number;
  /** Whose it is: the x of the polynomial, from 1. */
  x: number;
  /** 32 hex digits. */
  site: string;
  /** Hours since 1970. */
  hour: number;
  /** 32 hex digits. */
  epoch: string;
  camera: string;
  value: Uint8Array;
  /** As it was made, to be passed on. */
  file: Uint8Array;
}

const LABEL = "LOUVSHAR";
const CAMERA = /^[a-z0-9-]{1,32}$/;

export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false }).decode(bytes);
}

/** A camera's id behind its length. */
export function cameraOf(bytes: Bytes): string {
  const camera = text(bytes.take(bytes.u8()));
  must(CAMERA.test(camera));
  return camera;
}

/** An hour, which fits a number: 2^53 hours are a while. */
export function hourOf(bytes: Bytes): number {
  const hour = Number(bytes.i64());
  must(Number.isSafeInteger(hour));
  return hour;
}

/** Reads one share file. Throws `Damage`. */
export function parseShare(file: Uint8Array): Share {
  const bytes = new Bytes(file);
  must(text(bytes.take(8)) === LABEL && bytes.u8() === 1);
  const [needed, of, x] = [bytes.u8(), bytes.u8(), bytes.u8()];
  must(needed >= 1 && needed <= of && of <= 32 && x >= 1 && x <= of);
  const site = toHex(bytes.take(16));
  const hour = hourOf(bytes);
  const epoch = toHex(bytes.take(16));
  const camera = cameraOf(bytes);
  const value = bytes.take(32);
  must(bytes.left === 0);
  return { needed, of, x, site, hour, epoch, camera, value, file };
}

export function shareHash(file: Uint8Array): Uint8Array {
  return hash(utf8("louver share"), file);
}

/** Several share files, each behind a `u16` length: what an approval carries. */
export function parseShares(bytes: Uint8Array): Share[] {
  const rest = new Bytes(bytes);
  const shares: Share[] = [];
  while (rest.left > 0) shares.push(parseShare(rest.take(rest.u16())));
  return shares;
}

/** The other way round. */
export function packShares(shares: readonly Share[]): Uint8Array {
  const out = new Uint8Array(shares.reduce((sum, share) => sum + 2 + share.file.byteLength, 0));
  let at = 0;
  for (const { file } of shares) {
    new DataView(out.buffer).setUint16(at, file.byteLength);
    out.set(file, at + 2);
    at += 2 + file.byteLength;
  }
  return out;
}

/** The secret of `needed` shares of one epoch with different x. Throws `Damage` where they are not. */
export async function combine(shares: readonly Share[]): Promise<Uint8Array> {
  const first = shares[0];
  if (!first) throw new Damage();
  const used = shares.slice(0, first.needed);
  must(used.length === first.needed && new Set(used.map((share) => share.x)).size === used.length);
  must(used.every((share) => share.epoch === first.epoch && share.needed === first.needed));
  // With one needed the polynomial is constant, and the package takes two at least.
  if (first.needed === 1) return first.value.slice();
  return combineShamir(
    used.map((share) => {
      const out = new Uint8Array(33);
      out.set(share.value);
      out[32] = share.x;
      return out;
    }),
  );
}
