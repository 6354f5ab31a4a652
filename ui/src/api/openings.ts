import { ask, type Fetched } from "./fetched";
import type { components } from "./schema";

const ROOT = "/api/v1";

type Schemas = components["schemas"];

export type Challenge = Schemas["ChallengeView"];
export type EpochOffer = Schemas["EpochView"];
export type Granted = Schemas["GrantedView"];
export type Opening = Schemas["OpeningView"];
export type OpeningStatement = Schemas["StatementView"];
export type ReleaseAnswer = Schemas["ReleaseView"];
export type HolderSet = Schemas["SetView"];
export type HolderSetBody = Schemas["SetBody"];
export type HolderSignIn = Schemas["HolderSignIn"];
export type SegmentAnswer = Schemas["SegmentView"];
export type StatementBody = Schemas["StatementBody"];
export type Vault = Schemas["VaultView"];

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
  list: (signal?: AbortSignal) => get<Opening[]>("/openings", signal),
  one: (id: string, signal?: AbortSignal) => get<Opening>(opening(id), signal),
  ask: (document: string) => send<Opening>("POST", "/openings", { document }),
  withdraw: (id: string) => ask<Opening>(ROOT + opening(id), { method: "DELETE" }, json),
  epochs: (id: string, holder: string, signal?: AbortSignal) =>
    get<EpochOffer[]>(`${opening(id)}/epochs?holder=${encodeURIComponent(holder)}`, signal),
  say: (id: string, statement: StatementBody) => send<Opening>("POST", `${opening(id)}/statements`, statement),
  release: (id: string, signal?: AbortSignal) => get<ReleaseAnswer>(`${opening(id)}/release`, signal),
  segments: (id: string, signal?: AbortSignal) => get<SegmentAnswer[]>(`${opening(id)}/segments`, signal),
  /** Has the site sign a video that was made of what was released. `draft`: its JSON. */
  sign: (id: string, draft: string) => send<Schemas["ExportView"]>("POST", `${opening(id)}/exports`, { draft }),
  fragments: (id: string, segment: string, from: number, to: number, signal?: AbortSignal) =>
    ask(
      `${ROOT}${opening(id)}/segments/${encodeURIComponent(segment)}/fragments/${String(from)}-${String(to)}`,
      signal ? { signal } : {},
      async (response) => new Uint8Array(await response.arrayBuffer()),
    ),
};

/** Who the holders are (docs/keys.md). */
export const holderSets = {
  list: (signal?: AbortSignal) => get<HolderSet[]>("/holders/sets", signal),
  post: (set: HolderSetBody) => send<HolderSet>("POST", "/holders/sets", set),
  proposals: (signal?: AbortSignal) => get<HolderSet[]>("/holders/proposals", signal),
  propose: (set: HolderSetBody) => send<HolderSet>("POST", "/holders/proposals", set),
  first: (name: string, publicHalf: string) => send<HolderSet>("POST", "/vault/first-holder", { name, public: publicHalf }),
};

/** Signing in with a holder's or observer's key. */
export const holders = {
  challenge: () => send<Challenge>("POST", "/holders/challenge"),
  signIn: (answer: HolderSignIn) => send<Schemas["Session"]>("POST", "/holders/session", answer),
};
