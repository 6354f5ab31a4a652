/** docs/format-sealed.md against the files that the recorder's own code sealed: the second implementation. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { Damage } from "../lib/bytes";
import { fromBase64, fromHex, join, toHex } from "./crypto";
import { Film } from "./film";
import { mimeType } from "./fmp4";
import { consented, HolderIdentity } from "./holder";
import { Epoch, Refused, SegmentOpener } from "./open";
import { BOUND, FRAME, scan, segmentDigest } from "./segment";
import { parseShare, shareHash, type Share } from "./share";

interface VectorFragment {
  at: number;
  bytes: number;
  blind: string;
  commitment: string;
  list: string;
  packets: { data: string; key: boolean; media: number; wall: number }[];
}

interface Vector {
  camera: string;
  epoch: string;
  site: string;
  hour_secret: string;
  needed: number;
  holders: { id: string; public: string; words: string; recovery_secret: string; share_file: string; share_hash: string; consent_to_hello: string }[];
  segments: {
    file: string;
    link: number;
    header_hash: string;
    heads: string;
    digest: string;
    seed: string;
    key_commitment: string;
    fragments: VectorFragment[];
  }[];
}

const FOLDER = new URL("../../../crates/louver-vault/tests/vectors/", import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(name, FOLDER))));
const vector = (name: string) => JSON.parse(new TextDecoder().decode(read(name))) as Vector;

/** Throws where the vector is not hex: it is not what is tested. */
function bytes(hex: string): Uint8Array {
  const out = fromHex(hex);
  if (!out) throw new Error(hex);
  return out;
}

/** Every set of `k` of them. */
function choose<T>(all: readonly T[], k: number): T[][] {
  if (k === 0) return [[]];
  return all.flatMap((one, n) => choose(all.slice(n + 1), k - 1).map((rest) => [one, ...rest]));
}

describe.each(["one-of-one.json", "two-of-three.json", "h265-aac.json"])("%s", (name) => {
  const it_is = vector(name);

  it("has these holders from their words, with these signatures", () => {
    for (const holder of it_is.holders) {
      const made = HolderIdentity.fromWords(holder.words);
      if (typeof made === "string") throw new Error(made);
      expect([made.id, made.publicHalf]).toEqual([holder.id, holder.public]);
      expect(made.consent("hello")).toBe(holder.consent_to_hello);
      expect(consented(holder.public, "hello", fromBase64(holder.consent_to_hello))).toBe(true);
    }
  });

  it("opens with every set of k holders, picture by picture, and is what the ledger was told", async () => {
    for (const segment of it_is.segments) {
      const file = read(segment.file);
      const { header, fragments, tail } = scan(file);
      expect([header.site, header.camera, header.epoch, header.link]).toEqual([it_is.site, it_is.camera, it_is.epoch, segment.link]);
      expect([toHex(header.hash), tail.kind, fragments.length]).toEqual([segment.header_hash, "finished", segment.fragments.length]);
      const end = fragments[fragments.length - 1];
      const marker = (end?.at ?? 0) + FRAME + (end?.frame.body ?? 0);
      const heads = [...fragments.map(({ at }) => at), marker].map((at) => file.subarray(at, at + BOUND));
      expect(heads.map(toHex).join("")).toBe(toHex(fromBase64(segment.heads)));
      expect(toHex(segmentDigest(header.hash, heads))).toBe(segment.digest);
      for (const holders of choose(it_is.holders, it_is.needed)) {
        const shares: Share[] = [];
        for (const holder of holders) {
          const made = HolderIdentity.fromSecret(bytes(holder.recovery_secret));
          const wrapped = header.shares.find((share) => share.holder === holder.id);
          const share = parseShare(await made.decrypt(wrapped?.file ?? new Uint8Array()));
          expect([toHex(share.file), toHex(shareHash(share.file))]).toEqual([holder.share_file, holder.share_hash]);
          shares.push(share);
        }
        const epoch = await Epoch.gather(header, shares);
        expect(toHex(epoch.seed(segment.link))).toBe(segment.seed);
        const opener = await SegmentOpener.make(header, epoch, bytes(it_is.hour_secret));
        for (const [n, wanted] of segment.fragments.entries()) {
          const opened = await opener.open(n, file.subarray(wanted.at, wanted.at + wanted.bytes));
          expect([toHex(opened.list), toHex(opened.blind), toHex(opened.frame.commitment)]).toEqual([wanted.list, wanted.blind, wanted.commitment]);
          const pictures = [...opened.pictures, ...opened.heard].map((p) => ({ data: toHex(p.data), key: p.key, media: Number(p.media), wall: Number(p.wallUs) }));
          expect(pictures).toEqual(wanted.packets);
        }
        await opener.checkEnd(fragments.length, file.subarray(marker));
      }
    }
  });

  it("does not open with fewer, with another hour's secret, or with a share that was not given out", async () => {
    const [segment] = it_is.segments;
    const file = read(segment?.file ?? "");
    const { header } = scan(file);
    const shares = it_is.holders.map((holder) => parseShare(bytes(holder.share_file)));
    await expect(Epoch.gather(header, shares.slice(0, it_is.needed - 1))).rejects.toThrow(Refused);
    const epoch = await Epoch.gather(header, shares);
    await expect(SegmentOpener.make(header, epoch, new Uint8Array(32))).rejects.toThrow("other_keys");
    const forged = bytes(it_is.holders[0]?.share_file ?? "");
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;
    await expect(Epoch.gather(header, [parseShare(forged), ...shares.slice(1)])).rejects.toThrow("bad_share");
  });

  it("is refused wherever a bit was changed, and opens up to where it was cut", async () => {
    const [segment] = it_is.segments;
    const file = read(segment?.file ?? "");
    const { header, fragments } = scan(file);
    const shares = it_is.holders.map((holder) => parseShare(bytes(holder.share_file)));
    const opener = await SegmentOpener.make(header, await Epoch.gather(header, shares), bytes(it_is.hour_secret));
    for (let at = 0; at < header.length; at += 1) {
      const changed = file.slice();
      changed[at] = (changed[at] ?? 0) ^ 4;
      expect(() => scan(changed)).toThrow(Damage);
    }
    const [first] = fragments;
    const length = FRAME + (first?.frame.body ?? 0);
    for (let at = 0; at < length; at += 1) {
      const changed = file.slice(header.length, header.length + length);
      changed[at] = (changed[at] ?? 0) ^ 4;
      await expect(opener.open(0, changed)).rejects.toThrow(Damage);
    }
    for (let cut = header.length; cut < file.length; cut += 1) {
      const found = scan(file.subarray(0, cut));
      expect(found.fragments.length).toBe(fragments.filter(({ at, frame }) => at + FRAME + frame.body <= cut).length);
      expect(["open", "torn"]).toContain(found.tail.kind);
    }
  });
});

it("makes the same film of H.265 and AAC as the recorder's own code, byte for byte", async () => {
  const it_is = vector("h265-aac.json");
  const [segment] = it_is.segments;
  const file = read(segment?.file ?? "");
  const { header, fragments } = scan(file);
  const epoch = await Epoch.gather(header, it_is.holders.map((holder) => parseShare(bytes(holder.share_file))));
  const opener = await SegmentOpener.make(header, epoch, bytes(it_is.hour_secret));
  const parts: Uint8Array[] = [];
  let film: Film | null = null;
  for (const [n, { at, frame }] of fragments.entries()) {
    const opened = await opener.open(n, file.subarray(at, at + FRAME + frame.body));
    if (!film) {
      film = new Film(opened);
      parts.push(film.start());
      expect(mimeType(opened)).toBe('video/mp4; codecs="hvc1.1.6.L60.90, mp4a.40.2"');
    }
    const piece = film.push(opened);
    if (piece) parts.push(piece.bytes);
  }
  const rest = film?.finish();
  if (rest) parts.push(rest.bytes);
  const made = join(...parts);
  const wanted = read("h265-aac.mp4");
  expect(toHex(made)).toBe(toHex(wanted));
});
