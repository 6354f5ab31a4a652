import { ask, type Fetched } from "./fetched";

const ROOT = "/api/v1";

/** A holder or observer as everybody may know them. */
export interface Party {
  id: string;
  name: string;
  public: string;
}

export interface Vault {
  site: string;
  /** `no_holder`: nothing is recorded before the first one is made. */
  state: "ready" | "no_holder";
  set_number: number;
  needed: number;
  holders: Party[];
  observers: Party[];
  /** As what this browser is signed in. */
  me: { role: "user" } | { role: "holder" | "observer"; id: string };
}

export interface Granted {
  camera: string;
  from_ms: number;
  to_ms: number;
}

export interface OpeningStatement {
  holder: string;
  name: string;
  kind: "approval" | "denial" | "veto";
  at_ms: number;
  cameras?: string[];
  from_ms?: number;
  to_ms?: number;
  text?: string;
}

export const OVER = ["denied", "vetoed", "expired", "withdrawn", "closed"] as const;

export interface Opening {
  id: string;
  /** The request's exact text, which statements are about. */
  request: string;
  mine: boolean;
  at_ms: number;
  state: "asked" | "released" | (typeof OVER)[number];
  until_ms?: number;
  granted: Granted[];
  needed: number;
  roll: { id: string; name: string; role: "holder" | "observer" }[];
  statements: OpeningStatement[];
}

export interface EpochOffer {
  camera: string;
  hour: number;
  epoch: string;
  /** Of the share file, hex. */
  hash: string;
  /** The age file, base64. */
  file: string;
}

export interface ReleaseAnswer {
  secrets: string;
  approvals: { holder: string; shares: string }[];
}

export interface SegmentAnswer {
  id: string;
  camera: string;
  header: string;
  fragments: { n: number; bytes: number; first_ms: number; last_ms: number; key: boolean }[];
}

export interface StatementBody {
  document: string;
  holder: string;
  signature: string;
  shares?: string;
}

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

function get<T>(address: string, signal?: AbortSignal): Promise<Fetched<T>> {
  return ask<T>(ROOT + address, signal ? { signal } : {}, json);
}

function send<T>(method: string, address: string, body?: unknown): Promise<Fetched<T>> {
  const options = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) };
  return ask<T>(ROOT + address, options, json);
}

const opening = (id: string) => `/openings/${encodeURIComponent(id)}`;

/** Louver's API for openings, one function an operation (docs/opening.md). */
export const openings = {
  vault: (signal?: AbortSignal) => get<Vault>("/vault", signal),
  firstHolder: (name: string, publicHalf: string) => send<Vault>("POST", "/vault/first-holder", { name, public: publicHalf }),
  challenge: () => send<{ challenge: string; site: string }>("POST", "/holders/challenge"),
  signInAsHolder: (publicHalf: string, challenge: string, signature: string) =>
    send<unknown>("POST", "/holders/session", { public: publicHalf, challenge, signature }),

  list: (signal?: AbortSignal) => get<Opening[]>("/openings", signal),
  one: (id: string, signal?: AbortSignal) => get<Opening>(opening(id), signal),
  ask: (document: string) => send<Opening>("POST", "/openings", { document }),
  withdraw: (id: string) => ask<Opening>(ROOT + opening(id), { method: "DELETE" }, json),
  epochs: (id: string, holder: string, signal?: AbortSignal) =>
    get<EpochOffer[]>(`${opening(id)}/epochs?holder=${encodeURIComponent(holder)}`, signal),
  say: (id: string, statement: StatementBody) => send<Opening>("POST", `${opening(id)}/statements`, statement),
  release: (id: string, signal?: AbortSignal) => get<ReleaseAnswer>(`${opening(id)}/release`, signal),
  segments: (id: string, signal?: AbortSignal) => get<SegmentAnswer[]>(`${opening(id)}/segments`, signal),
  fragments: (id: string, segment: string, from: number, to: number, signal?: AbortSignal) =>
    ask(
      `${ROOT}${opening(id)}/segments/${encodeURIComponent(segment)}/fragments/${String(from)}-${String(to)}`,
      signal ? { signal } : {},
      async (response) => new Uint8Array(await response.arrayBuffer()),
    ),
  sign: (id: string, manifest: string) => send<{ note: string }>("POST", `${opening(id)}/exports`, { manifest }),
};
