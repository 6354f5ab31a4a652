/** The documents of an opening (docs/opening.md): what is asked, agreed, denied. Who signs, signs the exact text. */
import { Encrypter } from "age-encryption";

import { hash, toBase64, toHex, utf8 } from "./crypto";
import type { HolderIdentity } from "./holder";
import { packShares, parseShare, shareHash, type Share } from "./share";

export const REASONS = [
  "accident",
  "theft",
  "violence",
  "damage",
  "authority",
  "subject-access",
  "missing-person",
  "technical",
  "test",
  "other",
] as const;
export type Reason = (typeof REASONS)[number];

/** Cameras and a time, ms since 1970, end exclusive. */
export interface Scope {
  cameras: string[];
  from: number;
  to: number;
}

export interface RequestDocument extends Scope {
  what: "louver opening request";
  v: 1;
  site: string;
  at: number;
  expires: number;
  reason: Reason;
  text: string;
  salt: string;
  recipient: string;
  hours: number;
}

export interface ApprovalDocument extends Scope {
  what: "louver opening approval";
  v: 1;
  request: string;
  holder: string;
  at: number;
  shares: string;
}

export interface RefusalDocument {
  what: "louver opening denial" | "louver opening veto";
  v: 1;
  request: string;
  holder: string;
  at: number;
  text: string;
}

export interface Statement {
  document: string;
  holder: string;
  signature: string;
  /** Of an approval: an age file for the requester. */
  shares?: string;
}

const HOUR_MS = 3_600_000;
export const LONGEST_MS = 31 * 24 * HOUR_MS;

/** What is asked for; `nowMs` by this device's clock. */
export interface Ask extends Scope {
  site: string;
  reason: Reason;
  text: string;
  recipient: string;
  /** For how long it may be watched after the release. */
  hours: number;
  /** For how long holders can agree, hours. */
  openForHours: number;
}

/** Why something cannot be asked, before anybody is bothered with it. */
export function problemOf({ cameras, from, to, text, hours, openForHours }: Ask, nowMs: number): string | null {
  if (cameras.length === 0) return "Choose a camera at least.";
  if (cameras.length > 32) return "32 cameras at most in one request.";
  if (!(from < to)) return "The end must lie after the beginning.";
  if (to - from > LONGEST_MS) return "31 days at most in one request.";
  if (to > nowMs) return "The end lies in the future.";
  const length = Array.from(text.trim()).length;
  if (length < 10) return "Say in a few words what for: the holders decide by it.";
  if (length > 2000) return "2000 characters at most.";
  if (hours < 1 || hours > 168) return "Between an hour and a week for watching.";
  if (openForHours < 1 || openForHours > 14 * 24) return "Between an hour and 14 days for agreeing.";
  return null;
}

/** The request's exact text. */
export function requestText(ask: Ask, nowMs: number): string {
  const { site, cameras, from, to, reason, text, recipient, hours, openForHours } = ask;
  const document: RequestDocument = {
    what: "louver opening request",
    v: 1,
    site,
    at: nowMs,
    expires: nowMs + openForHours * HOUR_MS,
    cameras,
    from,
    to,
    reason,
    text: text.trim(),
    salt: toHex(crypto.getRandomValues(new Uint8Array(32))),
    recipient,
    hours,
  };
  return JSON.stringify(document);
}

/** SHA-256 of a document's text, hex. A request's id is its first 32 digits. */
export function documentHash(text: string): string {
  return toHex(hash(utf8(text)));
}

/** One epoch that a holder may help to open, with the share that was made for him. */
export interface OfferedEpoch {
  camera: string;
  hour: number;
  epoch: string;
  /** Hash of the share file and the age file around it. */
  hash: Uint8Array;
  file: Uint8Array;
}

/** A share that does not say what the server says it is. Nothing was agreed to. */
export class ForeignShare extends Error {}

function within(share: Share, { cameras, from, to }: Scope): boolean {
  const start = share.hour * HOUR_MS;
  return cameras.includes(share.camera) && start < to && start + HOUR_MS > from;
}

/**
 * A holder's agreement to `scope` of a request. Only shares go with it whose own words say camera and hour within `scope`: what the
 * server says of them is not believed. Throws `ForeignShare`, or age's error where a share is not this holder's.
 */
export async function approve(
  holder: HolderIdentity,
  requestText: string,
  scope: Scope,
  offered: readonly OfferedEpoch[],
  nowMs: number,
  progress: (done: number, of: number) => void = () => undefined,
): Promise<Statement> {
  const request = JSON.parse(requestText) as RequestDocument;
  const shares: Share[] = [];
  for (const [n, epoch] of offered.entries()) {
    progress(n, offered.length);
    const share = parseShare(await holder.decrypt(epoch.file));
    const says = share.camera === epoch.camera && share.hour === epoch.hour && share.epoch === epoch.epoch;
    if (!says || share.site !== request.site || toHex(shareHash(share.file)) !== toHex(epoch.hash)) {
      throw new ForeignShare();
    }
    if (within(share, scope)) shares.push(share);
  }
  progress(offered.length, offered.length);
  const age = new Encrypter();
  age.addRecipient(request.recipient);
  const file = await age.encrypt(packShares(shares));
  shares.forEach((share) => share.value.fill(0));
  const document: ApprovalDocument = {
    what: "louver opening approval",
    v: 1,
    request: documentHash(requestText),
    holder: holder.id,
    at: nowMs,
    cameras: scope.cameras,
    from: scope.from,
    to: scope.to,
    shares: toHex(hash(file)),
  };
  const text = JSON.stringify(document);
  return { document: text, holder: holder.id, signature: holder.consent(text), shares: toBase64(file) };
}

/** A holder's denial or an observer's veto. */
export function refuse(
  holder: HolderIdentity,
  kind: "denial" | "veto",
  requestText: string,
  text: string,
  nowMs: number,
): Statement {
  const document: RefusalDocument = {
    what: `louver opening ${kind}`,
    v: 1,
    request: documentHash(requestText),
    holder: holder.id,
    at: nowMs,
    text: text.trim(),
  };
  const signed = JSON.stringify(document);
  return { document: signed, holder: holder.id, signature: holder.consent(signed) };
}
