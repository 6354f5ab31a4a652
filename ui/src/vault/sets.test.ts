import { expect, test } from "vitest";

import { HolderIdentity } from "./holder";
import { checkChain, differences, nextSetText, problemOfSet, readSet, type CheckedSet, type SetDocument } from "./sets";

const SITE = "01".repeat(16);
const [ada, bob, cleo] = [1, 2, 3].map((n) => HolderIdentity.fromSecret(new Uint8Array(32).fill(n))) as [
  HolderIdentity,
  HolderIdentity,
  HolderIdentity,
];
const named = (name: string, holder: HolderIdentity) => ({ name, public: holder.publicHalf });
const by = (document: string, ...who: HolderIdentity[]) => ({
  document,
  consents: who.map((holder) => ({ holder: holder.id, signature: holder.consent(document) })),
});

function began(): { first: ReturnType<typeof by>; set: CheckedSet } {
  const document: SetDocument = {
    what: "louver holder set", v: 1, site: SITE, number: 1, before: "", at: 1, needed: 2,
    holders: [named("Ada", ada), named("Bob", bob)], observers: [],
  };
  const first = by(JSON.stringify(document));
  const set = readSet(first, SITE, null);
  if (!set) throw new Error("the first set reads");
  return { first, set };
}

const wanted = { needed: 1, holders: [named("Ada", ada), named("Cleo", cleo)], observers: [] };

test("a chain is what enough holders of the list before signed, and nothing else", () => {
  const { first, set } = began();
  const text = nextSetText(wanted, SITE, set, 2);
  const chain = checkChain([first, by(text, ada, bob)], SITE);
  expect(chain?.at(-1)?.by.map(({ name }) => name)).toEqual(["Ada", "Bob"]);
  expect(chain && differences(set, chain[1] ?? set)).toEqual([
    `Added: Cleo (${cleo.id})`, `Removed: Bob (${bob.id})`, "Needed: 1 in place of 2",
  ]);
  for (const consents of [[], [ada], [ada, ada], [ada, cleo]]) expect(checkChain([first, by(text, ...consents)], SITE)).toBeNull();
  const other = nextSetText({ ...wanted, needed: 2 }, SITE, set, 2);
  expect(checkChain([first, { document: other, consents: by(text, ada, bob).consents }], SITE)).toBeNull();
  expect(checkChain([by(text, ada, bob)], SITE)).toBeNull();
  expect(checkChain([first, by(text, ada, bob)], "02".repeat(16))).toBeNull();
  expect(checkChain([{ ...first, document: first.document.replace("Bob", "Eve") }, by(text, ada, bob)], SITE)).toBeNull();
});

test("what can never be a set is said before anybody signs it", () => {
  const { set } = began();
  expect(problemOfSet(wanted, set)).toBeNull();
  expect(problemOfSet({ needed: 2, holders: set.holders, observers: [] }, set)).toBe("Nothing would be different.");
  expect(problemOfSet({ ...wanted, holders: [] }, set)).toContain("leave one at least");
  expect(problemOfSet({ ...wanted, needed: 3 }, set)).toContain("between 1 and 2");
  expect(problemOfSet({ ...wanted, observers: [named("Spy", ada)] }, set)).toContain("twice");
  expect(problemOfSet({ ...wanted, holders: [{ name: "Eve", public: "holder1x" }] }, set)).toContain("Eve: that is no public half");
});
