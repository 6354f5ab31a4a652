/** Holder sets: who the holders are, how many are needed, and who agreed to it (docs/keys.md). What the server says of them is checked here. */
import { fromBase64, hash, toHex, utf8 } from "./crypto";
import { consented, idOf } from "./holder";

export interface NamedHolder {
  name: string;
  /** `holder1…` */
  public: string;
}

export interface SetDocument {
  what: "louver holder set";
  v: 1;
  site: string;
  number: number;
  /** SHA-256 of the document before, hex; nothing in the first. */
  before: string;
  at: number;
  needed: number;
  holders: NamedHolder[];
  observers: NamedHolder[];
}

/** A document and the consents to it, as the server passes them on. */
export interface SignedSet {
  document: string;
  consents: { holder: string; signature: string }[];
}

/** Somebody on a list. */
export interface Member extends NamedHolder {
  id: string;
}

/** A set whose text was read and whose consents were checked. */
export interface CheckedSet {
  number: number;
  at: number;
  needed: number;
  holders: Member[];
  observers: Member[];
  /** Holders of the set before who agreed. */
  by: Member[];
  hash: string;
  text: string;
  consents: SignedSet["consents"];
}

function members(named: readonly NamedHolder[]): Member[] | null {
  const all = named.map((one) => ({ ...one, id: idOf(one.public) }));
  return all.every((one): one is Member => one.id !== null) ? all : null;
}

function parse(text: string): SetDocument | null {
  try {
    const document = JSON.parse(text) as SetDocument;
    // What the server lets through has this form; anything else is no set.
    return document.what === "louver holder set" && document.v === 1 ? document : null;
  } catch {
    return null;
  }
}

function fits(signature: string, member: Member, text: string): boolean {
  try {
    return consented(member.public, text, fromBase64(signature));
  } catch {
    return false;
  }
}

/** What a set says, if it can follow `before`; consents that do not fit are left out. */
export function readSet(signed: SignedSet, site: string, before: CheckedSet | null): CheckedSet | null {
  const document = parse(signed.document);
  if (!document || document.site !== site) return null;
  if (document.number !== (before?.number ?? 0) + 1 || document.before !== (before?.hash ?? "")) return null;
  const [holders, observers] = [members(document.holders), members(document.observers)];
  if (!holders || !observers || document.needed < 1 || document.needed > holders.length) return null;
  const by = (before?.holders ?? []).filter((member) =>
    signed.consents.some(({ holder, signature }) => holder === member.id && fits(signature, member, signed.document)),
  );
  return {
    number: document.number,
    at: document.at,
    needed: document.needed,
    holders,
    observers,
    by,
    hash: toHex(hash(utf8(signed.document))),
    text: signed.document,
    consents: signed.consents,
  };
}

/** All sets from the first, or `null` where one is not what the holders before it agreed to. */
export function checkChain(told: readonly SignedSet[], site: string): CheckedSet[] | null {
  const chain: CheckedSet[] = [];
  for (const signed of told) {
    const before: CheckedSet | null = chain.at(-1) ?? null;
    const set = readSet(signed, site, before);
    if (!set || (before && set.by.length < before.needed)) return null;
    chain.push(set);
  }
  return chain;
}

/** What the next set should be. */
export interface Wanted {
  needed: number;
  holders: NamedHolder[];
  observers: NamedHolder[];
}

const MOST = 32;

/** Why that can never be a set, before anybody is bothered with it. */
export function problemOfSet({ needed, holders, observers }: Wanted, before: CheckedSet): string | null {
  const all = [...holders, ...observers];
  if (holders.length === 0) return "Without a holder nothing could be recorded: leave one at least.";
  if (holders.length > MOST || observers.length > MOST) return `${String(MOST)} holders and ${String(MOST)} observers at most.`;
  if (!Number.isInteger(needed) || needed < 1 || needed > holders.length) {
    return `There would be ${String(holders.length)} holders: between 1 and ${String(holders.length)} can be needed.`;
  }
  const nameless = all.find(({ name }) => name.trim() === "" || Array.from(name.trim()).length > 64);
  if (nameless) return "Everybody needs a name of 1 to 64 letters.";
  const strange = all.find((one) => idOf(one.public) === null);
  if (strange) return `${strange.name}: that is no public half. It begins with holder1 and stands on the page of whoever made the key.`;
  const ids = all.map((one) => idOf(one.public));
  if (new Set(ids).size < ids.length) return "Somebody would be on the list twice.";
  const key = (named: readonly NamedHolder[]) => named.map((one) => `${one.name} ${one.public}`).join("\n");
  const same = needed === before.needed && key(holders) === key(before.holders) && key(observers) === key(before.observers);
  return same ? "Nothing would be different." : null;
}

/** The text of the set that would follow `before`: for holders to sign. */
export function nextSetText(wanted: Wanted, site: string, before: CheckedSet, nowMs: number): string {
  const named = (list: readonly NamedHolder[]) => list.map((one) => ({ name: one.name.trim(), public: one.public }));
  const document: SetDocument = {
    what: "louver holder set",
    v: 1,
    site,
    number: before.number + 1,
    before: before.hash,
    at: nowMs,
    needed: wanted.needed,
    holders: named(wanted.holders),
    observers: named(wanted.observers),
  };
  return JSON.stringify(document);
}

/** Who came and who went, and what is needed now. */
export function differences(before: CheckedSet, set: CheckedSet): string[] {
  const without = (one: readonly Member[], other: readonly Member[]) =>
    one.filter((member) => other.every(({ id }) => id !== member.id)).map((member) => `${member.name} (${member.id})`);
  const say = (what: string, who: string[]) => (who.length === 0 ? [] : [`${what}: ${who.join(", ")}`]);
  return [
    ...say("Added", without(set.holders, before.holders)),
    ...say("Removed", without(before.holders, set.holders)),
    ...say("Observer added", without(set.observers, before.observers)),
    ...say("Observer removed", without(before.observers, set.observers)),
    ...(set.needed === before.needed ? [] : [`Needed: ${String(set.needed)} in place of ${String(before.needed)}`]),
  ];
}
