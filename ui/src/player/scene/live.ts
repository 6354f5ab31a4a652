import { backoffMs } from "./backoff";
import { frames as sharedFrames, type Frames } from "./frames";
import type { Movement } from "./motion";
import { LivePace } from "./pace";
import { SceneParser } from "./parse";
import type { Surface } from "./stage";
import { STATE_HOLDS_MS } from "./state";
import { Summarizer, type Summary } from "./summary";

export type LiveState =
  | { kind: "connecting" }
  /** Connected, and no picture has come yet. */
  | { kind: "waiting" }
  /** `atMs`: the moment on the canvas, on the recorder's clock. */
  | { kind: "playing"; behindS: number; atMs: number }
  /** No picture has come for seconds. `sinceMs`: the last one's time, on the recorder's clock. */
  | { kind: "stalled"; sinceMs: number }
  /** Not looked at: tab hidden, tile scrolled away. */
  | { kind: "paused" }
  | { kind: "retrying"; attempt: number; sinceMs: number | null }
  /** The recorder is newer than this page. */
  | { kind: "foreign" };

export interface LiveListener {
  state: (state: LiveState) => void;
  /** A sentence of the server; `null` when it has none any more. */
  notice: (text: string | null) => void;
  /** What the picture says, when that changed. */
  summary: (summary: Summary) => void;
}

/** What the player takes from the browser; tests give their own. */
export interface LiveBrowser {
  connect: (address: string) => WebSocket;
  chance: () => number;
  frames: Pick<Frames, "want" | "forget">;
  movement: () => Movement;
}

const browser: LiveBrowser = {
  connect: (address) => new WebSocket(address),
  chance: Math.random,
  frames: sharedFrames,
  movement: () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "reduced" : "smooth"),
};

const TICK_MS = 250;
/** A connection that played and says nothing for this long is taken for dead: while a camera plays there is a record every 2 s. */
const SILENT_MS = 20_000;
/** A picture of a connection that is lost is old sooner. */
const ALONE_MS = 1_500;

/** One camera's live scene on one stage. */
export class LiveScene {
  readonly #stage: Surface;
  readonly #address: string;
  readonly #listener: LiveListener;
  readonly #browser: LiveBrowser;
  readonly #parser = new SceneParser();
  readonly #pace = new LivePace();
  readonly #summaries = new Summarizer();

  #state: LiveState = { kind: "paused" };
  #socket: WebSocket | null = null;
  #attempt = 0;
  /** When the connection last said anything or was made; page time. */
  #heardMs = 0;
  #connectedMs = 0;
  /** When the last record was applied; `null` before the first one since `play`. */
  #recordMs: number | null = null;
  #paintedMs = -Infinity;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #ticker: ReturnType<typeof setInterval> | null = null;

  constructor(stage: Surface, address: string, listener: LiveListener, from: LiveBrowser = browser) {
    this.#stage = stage;
    this.#address = address;
    this.#listener = listener;
    this.#browser = from;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Begins, or goes on after `pause`. */
  play(): void {
    if (this.#ticker !== null) return;
    this.#ticker = setInterval(this.#tick, TICK_MS);
    this.#attempt = 0;
    this.#connect();
  }

  /** Lets go of the connection: nobody looks. The place stays drawn, as something old. */
  pause(): void {
    this.#stop();
    this.#say({ kind: "paused" });
  }

  /** Something of the stage changed: its size, a tile that is decoded. */
  redraw(): void {
    this.#browser.frames.want(this.#draw);
  }

  /** The end; the player is not used again. */
  close(): void {
    this.#stop();
    this.#browser.frames.forget(this.#draw);
  }

  #stop(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#ticker = null;
    this.#retry = null;
    this.#recordMs = null;
    this.#hangUp();
    this.#stage.motion.clear();
    this.#pace.clear();
    this.redraw();
  }

  #connect(): void {
    this.#retry = null;
    this.#say(this.#attempt === 0 ? { kind: "connecting" } : this.#retrying());
    const socket = this.#browser.connect(this.#address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#heardMs = this.#connectedMs = performance.now();
    socket.onopen = () => {
      this.#say({ kind: "waiting" });
    };
    socket.onmessage = (event) => {
      this.#hear(event.data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#tryAgain();
    };
  }

  #hangUp(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #tryAgain(): void {
    this.#hangUp();
    if (this.#ticker === null || this.#retry !== null) return;
    const wait = backoffMs(this.#attempt, this.#browser.chance());
    this.#attempt += 1;
    this.#say(this.#retrying());
    this.#retry = setTimeout(() => {
      this.#connect();
    }, wait);
  }

  #retrying(): LiveState {
    return { kind: "retrying", attempt: this.#attempt, sinceMs: this.#recordMs === null ? null : this.#stage.state.atMs };
  }

  #hear(data: unknown): void {
    this.#heardMs = performance.now();
    if (typeof data === "string") this.#hearText(data);
    else if (data instanceof ArrayBuffer) this.#hearScene(new Uint8Array(data));
  }

  #hearText(text: string): void {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof body !== "object" || body === null || !("type" in body) || body.type !== "notice") return;
    this.#listener.notice("text" in body && typeof body.text === "string" && body.text !== "" ? body.text : null);
  }

  #hearScene(bytes: Uint8Array): void {
    const { state, motion } = this.#stage;
    for (const item of this.#parser.read(bytes)) {
      if (item.kind === "header") this.#stage.begin(item.header);
      if (item.kind !== "record") continue;
      if (state.misses(item.record)) {
        // Something of this connection was lost or could not be read: a new one begins with the whole state.
        this.#tryAgain();
        break;
      }
      if (this.#stage.apply([item.record]) === 0) continue;
      this.#recordMs = performance.now();
      this.#pace.arrived(state.atMs, this.#recordMs);
      motion.push({ atMs: state.atMs, figures: state.figures, panes: state.panes });
    }
    if (this.#parser.foreign) {
      this.#stop();
      this.#say({ kind: "foreign" });
      return;
    }
    const summary = state.known ? this.#summaries.next(state) : null;
    if (summary) this.#listener.summary(summary);
    this.redraw();
  }

  readonly #tick = (): void => {
    const now = performance.now();
    // A camera that has no pictures has nothing to say either, and that is no fault of the connection.
    if (this.#plays() && !this.#cameraIsGone() && now - this.#heardMs > SILENT_MS) this.#tryAgain();
    if (!this.#plays()) {
      if (this.#isOld(now)) this.redraw();
      return;
    }
    this.#attempt = 0;
    if (!this.#isOld(now)) {
      const atMs = this.#pace.at(now) ?? this.#stage.state.atMs;
      this.#say({ kind: "playing", behindS: this.#pace.behindS(now) ?? 0, atMs });
      return;
    }
    this.redraw();
    this.#say({ kind: "stalled", sinceMs: this.#stage.state.atMs });
  };

  /** Whether this connection has brought a record. */
  #plays(): boolean {
    return this.#socket !== null && this.#recordMs !== null && this.#recordMs >= this.#connectedMs;
  }

  #cameraIsGone(): boolean {
    return this.#stage.state.why === "no_pictures";
  }

  #isOld(nowMs: number): boolean {
    if (this.#recordMs === null || this.#cameraIsGone()) return true;
    return nowMs - this.#recordMs > (this.#plays() ? STATE_HOLDS_MS : ALONE_MS);
  }

  readonly #draw = (nowMs: number): boolean => {
    // A millisecond less: frames come a little early at times.
    if (nowMs - this.#paintedMs < this.#stage.frameMs - 1) return true;
    this.#paintedMs = nowMs;
    const old = this.#isOld(nowMs);
    const atMs = old ? null : this.#pace.at(nowMs);
    this.#stage.paint(atMs, this.#browser.movement(), this.#pace.delayMs, old ? "old" : "fresh");
    if (atMs === null) return false;
    this.#stage.motion.trim(atMs);
    return this.#stage.motion.moves(atMs);
  };

  #say(state: LiveState): void {
    this.#state = state;
    this.#listener.state(state);
  }
}
