import { api } from "../api/client";
import { sentence, type Fetched } from "../api/fetched";
import type { Camera, RollEntry, Session } from "../api/types";
import { addressOf, readRoute, type Route } from "./router";
import { tokenIn } from "./sign-in-link";

export type SessionView =
  | { kind: "asking" }
  | { kind: "unreachable"; message: string }
  | { kind: "signed_out"; message: string | null }
  /** Came by a one-time link and has no password yet. */
  | { kind: "needs_password" }
  | { kind: "signed_in"; siteName: string }
  /** A holder or observer, by their key: requests for originals, and nothing else. */
  | { kind: "holder"; siteName: string; holder: RollEntry };

function viewOf(session: Session): SessionView {
  switch (session.state) {
    case "signed_out":
      return { kind: "signed_out", message: null };
    case "needs_password":
      return { kind: "needs_password" };
    case "signed_in":
      return { kind: "signed_in", siteName: session.site_name ?? "Louver" };
    case "holder":
      return session.holder
        ? { kind: "holder", siteName: session.site_name ?? "Louver", holder: session.holder }
        : { kind: "signed_out", message: null };
    default:
      return session.state satisfies never;
  }
}

/** What the whole page shares: who looks, where they are, and the cameras there are. */
class App {
  session = $state.raw<SessionView>({ kind: "asking" });
  route = $state.raw<Route>({ page: "wall" });
  cameras = $state.raw<Camera[] | null>(null);
  /** Why `cameras` is missing or old. */
  camerasProblem = $state.raw<string | null>(null);
  nowMs = $state.raw(Date.now());

  /** Signed in, as whoever. */
  get inside(): boolean {
    return this.session.kind === "signed_in" || this.session.kind === "holder";
  }

  /** Reads the address, uses a sign-in link if one was opened, and asks how far this browser is signed in. */
  async start(): Promise<void> {
    const token = tokenIn(location.hash);
    // The secret leaves the address bar, and with it the history, before anything else happens.
    if (token !== null) history.replaceState(null, "", "/");
    this.route = readRoute(location.pathname, location.search);
    if (token === null) {
      await this.refreshSession();
      return;
    }
    const outcome = await api.useLink(token);
    if (outcome.kind === "ok") {
      this.session = viewOf(outcome.value);
      return;
    }
    await this.refreshSession();
    if (this.session.kind === "signed_out") {
      this.session = { kind: "signed_out", message: sentence(outcome) };
    }
  }

  async refreshSession(): Promise<void> {
    const outcome = await api.session();
    if (outcome.kind === "ok") this.session = viewOf(outcome.value);
    else if (!this.inside) {
      this.session = { kind: "unreachable", message: sentence(outcome) ?? "" };
    }
  }

  /** After signing in or setting a password: the new state, or the sentence why not. */
  async settle(asking: Promise<Fetched<Session>>): Promise<string | null> {
    const outcome = await asking;
    if (outcome.kind === "ok") this.session = viewOf(outcome.value);
    return sentence(outcome);
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.cameras = null;
    this.go({ page: "wall" });
    await this.refreshSession();
  }

  async loadCameras(signal?: AbortSignal): Promise<void> {
    const outcome = this.heed(await api.cameras(signal));
    this.nowMs = Date.now();
    if (outcome.kind === "ok") {
      this.cameras = outcome.value;
      this.camerasProblem = null;
    } else if (outcome.kind !== "aborted") {
      this.camerasProblem = sentence(outcome);
    }
  }

  /** Passes an answer on; one that says the session is over leads to the sign-in page. */
  heed<T>(outcome: Fetched<T>): Fetched<T> {
    if (outcome.kind === "refused" && outcome.status === 401 && this.inside) {
      this.session = { kind: "signed_out", message: "You were signed out. Sign in again to go on." };
    }
    return outcome;
  }

  camera(id: string): Camera | undefined {
    return this.cameras?.find((c) => c.id === id);
  }

  go(route: Route): void {
    history.pushState(null, "", addressOf(route));
    this.route = route;
    scrollTo(0, 0);
  }

  /** Writes where someone is into the address without a step in the history. */
  note(route: Route): void {
    history.replaceState(null, "", addressOf(route));
    this.route = route;
  }

  readAddress(): void {
    this.route = readRoute(location.pathname, location.search);
  }
}

export const app = new App();

/** Lets plain links work without loading the page anew. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.origin !== location.origin || link.target !== "" || link.hash !== "") return;
  event.preventDefault();
  app.go(readRoute(link.pathname, link.search));
}
