import { Decrypter, Encrypter } from "age-encryption";
import { split } from "shamir-secret-sharing";
import { describe, expect, it } from "vitest";

import { fromBase64, utf8 } from "./crypto";
import { consented, HolderIdentity, recipientOf, strangeWords } from "./holder";
import { combine, packShares, parseShare, parseShares, type Share } from "./share";

/** 32 bytes, all the same. */
const secret = (byte: number) => new Uint8Array(32).fill(byte);

function shareFile(x: number, value: Uint8Array, needed = 2): Uint8Array {
  const camera = utf8("gate");
  const out = new Uint8Array(53 + camera.length + 32);
  out.set(utf8("LOUVSHAR"));
  out.set([1, needed, 3, x], 8);
  out.set(secret(7).subarray(0, 16), 12);
  new DataView(out.buffer).setBigInt64(28, 490_000n);
  out.set(secret(9).subarray(0, 16), 36);
  out[52] = camera.length;
  out.set(camera, 53);
  out.set(value, 57);
  return out;
}

describe("a holder", () => {
  it("is the same from the same 24 words, however they are typed", () => {
    const holder = HolderIdentity.fromSecret(secret(0x4c));
    const words = holder.words();
    expect(words).toHaveLength(24);
    const typed = HolderIdentity.fromWords(`  ${words.join("\n ").toUpperCase()}  `);
    expect(typed).toBeInstanceOf(HolderIdentity);
    expect((typed as HolderIdentity).publicHalf).toBe(holder.publicHalf);
    expect((HolderIdentity.fromFile(`# a holder\n${words.join(" ")}\n`) as HolderIdentity).id).toBe(holder.id);
    expect(holder.publicHalf).toMatch(/^holder1[a-z0-9]+$/);
    expect(holder.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it("is told what is wrong with the words", () => {
    const words = HolderIdentity.fromSecret(secret(1)).words();
    expect(HolderIdentity.fromWords(words.slice(1).join(" "))).toBe("count");
    expect(HolderIdentity.fromWords(["louver", ...words.slice(1)].join(" "))).toBe("word");
    expect(strangeWords(["louver", ...words.slice(1)].join(" "))).toEqual([{ place: 1, word: "louver" }]);
    expect(HolderIdentity.fromWords([words[1], words[0], ...words.slice(2)].join(" "))).toBe("checksum");
  });

  it("signs what only the holder of that public half signed", () => {
    const [one, other] = [HolderIdentity.generate(), HolderIdentity.generate()];
    const signature = fromBase64(one.consent('{"v":1}'));
    expect(consented(one.publicHalf, '{"v":1}', signature)).toBe(true);
    expect(consented(one.publicHalf, '{"v":2}', signature)).toBe(false);
    expect(consented(other.publicHalf, '{"v":1}', signature)).toBe(false);
    expect(consented("holder1qqqq", '{"v":1}', signature)).toBe(false);
  });

  it("opens what was encrypted to the public half, and nobody else does", async () => {
    const holder = HolderIdentity.generate();
    const age = new Encrypter();
    const recipient = recipientOf(holder.publicHalf);
    expect(recipient).toMatch(/^age1/);
    age.addRecipient(recipient ?? "");
    const file = await age.encrypt(utf8("a share"));
    expect(await holder.decrypt(file)).toEqual(utf8("a share"));
    await expect(HolderIdentity.generate().decrypt(file)).rejects.toThrow();
  });

  it("is kept under a passphrase, and opens with that alone", async () => {
    const holder = HolderIdentity.generate();
    const kept = await holder.lock("correct horse", 8);
    expect((await HolderIdentity.unlock(kept, "correct horse")).id).toBe(holder.id);
    await expect(HolderIdentity.unlock(kept, "correct house")).rejects.toThrow();
    const age = new Decrypter();
    age.addPassphrase("correct horse");
    expect(await age.decrypt(kept, "uint8array")).toHaveLength(32);
  });
});

describe("shares", () => {
  it("of any two holders of three make the secret, of one none, and read back as they were passed on", async () => {
    const made = await split(secret(0x5a), 3, 2);
    const shares = made.map((share): Share => ({
      ...parseShare(shareFile(1, share.slice(0, 32))),
      x: share[32] ?? 0,
    }));
    for (const [a, b] of [[0, 1], [1, 2], [2, 0]] as const) {
      const two = [shares[a], shares[b]].filter((share) => share !== undefined);
      expect(await combine(two)).toEqual(secret(0x5a));
    }
    await expect(combine(shares.slice(0, 1))).rejects.toThrow();
    const files = [1, 2].map((x) => parseShare(shareFile(x, secret(x))));
    expect(parseShares(packShares(files))).toEqual(files);
  });

  it("are the secret where one holder is enough", async () => {
    expect(await combine([parseShare(shareFile(3, secret(3), 1))])).toEqual(secret(3));
  });

  it("that are cut off, too long or contradict themselves are refused", () => {
    const whole = shareFile(1, secret(1));
    for (let cut = 0; cut < whole.length; cut += 1) expect(() => parseShare(whole.slice(0, cut))).toThrow();
    expect(() => parseShare(Uint8Array.of(...whole, 0))).toThrow();
    for (const [at, byte] of [[8, 2], [9, 0], [9, 4], [10, 33], [11, 0], [11, 4], [52, 0], [53, 0x2f]] as const) {
      const changed = whole.slice();
      changed[at] = byte;
      expect(() => parseShare(changed)).toThrow();
    }
  });
});
