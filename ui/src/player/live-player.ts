import { backoffMs } from "./live-edge";
import { LiveStage } from "./live-stage";
import { browserMediaSources, type MediaSources } from "./media-source";
import { readLiveMessage } from "./wire";

export type LiveState =
  | { kind: "connecting" }
  /** Connected, and no picture to start with has come yet. */
  | { kind: "waiting" }
  | { kind: "playing"; behindS: number }
  /** The newest picture stands: none has followed it for seconds. */
  | { kind: "stalled" }
  /** Not looked at: tab hidden, tile scrolled away. */
  | { kind: "paused" }
  | { kind: "retrying"; attempt: number }
  | { kind: "unsupported"; mime: string };

export interface LiveListener {
  state: (state: LiveState) => void;
  /** Why the picture shows little or nothing; `null` when all is well. */
  notice: (text: string | null) => void;
}

/** What the player takes from the browser; tests give their own. */
export interface LiveBrowser {
  media: MediaSources;
  connect: (address: string) => WebSocket;
  chance: () => number;
}

const browser: LiveBrowser = {
  media: browserMediaSources,
  connect: (address) => new WebSocket(address),
  chance: Math.random,
};

const TICK_MS = 250;
const STALLED_MS = 4_000;
/** A connection that has shown pictures and then says nothing for this long is taken for dead. */
const SILENT_MS = 20_000;

/** One camera's live masked picture in one `<video>`. */
export class LivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #address: string;
  readonly #listener: LiveListener;
  readonly #browser: LiveBrowser;

  #state: LiveState = { kind: "paused" };
  #socket: WebSocket | null = null;
  #stage: LiveStage | null = null;
  #attempt = 0;
  /** When the connection last said anything; `null` before it did. */
  #heardMs: number | null = null;
  /** When the last picture came. */
  #pictureMs = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #ticker: ReturnType<typeof setInterval> | null = null;

  constructor(video: HTMLVideoElement, address: string, listener: LiveListener, from: LiveBrowser = browser) {
    this.#video = video;
    this.#address = address;
    this.#listener = listener;
    this.#browser = from;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Begins, or goes on at the live edge after `pause`. */
  play(): void {
    if (this.#ticker !== null) return;
    this.#ticker = setInterval(this.#tick, TICK_MS);
    this.#attempt = 0;
    this.#connect();
  }

  /** Lets go of connection and pictures: nobody looks. */
  pause(): void {
    this.#stop();
    this.#say({ kind: "paused" });
  }

  /** The end; the player is not used again. */
  close(): void {
    this.#stop();
  }

  #stop(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#ticker = null;
    this.#retry = null;
    this.#hangUp();
    this.#dropStage();
  }

  #connect(): void {
    this.#retry = null;
    this.#say(this.#attempt === 0 ? { kind: "connecting" } : { kind: "retrying", attempt: this.#attempt });
    const socket = this.#browser.connect(this.#address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#heardMs = null;
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
    this.#say({ kind: "retrying", attempt: this.#attempt });
    this.#retry = setTimeout(() => {
      this.#connect();
    }, wait);
  }

  #hear(data: unknown): void {
    this.#heardMs = performance.now();
    const message = readLiveMessage(data);
    switch (message.type) {
      case "start":
        this.#begin(message.mime);
        return;
      case "notice":
        this.#listener.notice(message.text);
        return;
      case "init":
        this.#stage?.init(message.bytes);
        return;
      case "fragment":
        this.#pictureMs = performance.now();
        this.#stage?.fragment(message.key, message.bytes);
        return;
      case "unknown":
        return;
      default:
        message satisfies never;
    }
  }

  #begin(mime: string): void {
    this.#dropStage();
    if (!this.#browser.media.canPlay(mime)) {
      this.#stop();
      this.#say({ kind: "unsupported", mime });
      return;
    }
    this.#say({ kind: "waiting" });
    this.#stage = new LiveStage(this.#video, mime, this.#browser.media, () => {
      // A decoder that failed is not fed again: a new connection brings a new start.
      this.#dropStage();
      this.#tryAgain();
    });
  }

  #dropStage(): void {
    this.#stage?.close();
    this.#stage = null;
  }

  readonly #tick = (): void => {
    if (this.#heardMs !== null && performance.now() - this.#heardMs > SILENT_MS) {
      this.#dropStage();
      this.#tryAgain();
      return;
    }
    const behindS = this.#stage?.keepUp() ?? null;
    if (behindS === null) return;
    this.#attempt = 0;
    const silentMs = performance.now() - this.#pictureMs;
    this.#say(silentMs > STALLED_MS ? { kind: "stalled" } : { kind: "playing", behindS });
  };

  #say(state: LiveState): void {
    this.#state = state;
    this.#listener.state(state);
  }
}
