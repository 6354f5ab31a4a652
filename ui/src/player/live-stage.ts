import { AppendQueue } from "./append-queue";
import { keepAtEdge } from "./live-edge";
import type { MediaSources } from "./media-source";
import { spans } from "./spans";

/** More than this waiting for the decoder: drop all and start again at the next key fragment. */
const QUEUE_BYTES = 6 * 1024 * 1024;

/** One MediaSource from a `start` message to the next. */
export class LiveStage {
  readonly #video: HTMLVideoElement;
  readonly #media: MediaSources;
  readonly #source: MediaSource;
  readonly #address: string;
  readonly #onFailed: () => void;
  #queue: AppendQueue | null = null;
  #buffer: SourceBuffer | null = null;
  /** What came before the source was open: the start and the pictures since the last key. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #earlyBytes = 0;
  #needsKey = true;
  #closed = false;

  constructor(video: HTMLVideoElement, mime: string, media: MediaSources, onFailed: () => void) {
    this.#video = video;
    this.#media = media;
    this.#onFailed = onFailed;
    this.#source = media.create();
    this.#address = media.addressOf(this.#source);
    this.#source.addEventListener("sourceopen", () => {
      this.#open(mime);
    });
    video.disableRemotePlayback = true;
    video.src = this.#address;
    video.addEventListener("error", this.#failed);
  }

  init(bytes: Uint8Array<ArrayBuffer>): void {
    this.#needsKey = true;
    this.#take(bytes);
  }

  fragment(key: boolean, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#closed || (this.#needsKey && !key)) return;
    // Before taking: a full buffer says so while the bytes are taken, and wants a key again.
    this.#needsKey = false;
    if (this.#take(bytes)) return;
    this.#needsKey = true;
    this.#queue?.clear();
  }

  #take(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#queue) return this.#queue.push({ kind: "bytes", bytes });
    if (this.#earlyBytes + bytes.byteLength > QUEUE_BYTES) return false;
    this.#early.push(bytes);
    this.#earlyBytes += bytes.byteLength;
    return true;
  }

  /** Seconds behind the newest picture, after doing what keeps that small. */
  keepUp(): number | null {
    if (!this.#buffer || this.#closed) return null;
    const acts = keepAtEdge({
      atS: this.#video.currentTime,
      ranges: spans(this.#video.buffered),
      rate: this.#video.playbackRate,
    });
    if (!acts) return null;
    if (acts.jumpToS !== null) this.#video.currentTime = acts.jumpToS;
    if (this.#video.playbackRate !== acts.rate) this.#video.playbackRate = acts.rate;
    if (acts.trim && this.#queue?.idle) this.#queue.push({ kind: "remove", ...acts.trim });
    if (this.#video.paused) void this.#video.play().catch(() => undefined);
    return this.#video.readyState >= 2 ? acts.behindS : null;
  }

  close(): void {
    this.#closed = true;
    this.#queue?.close();
    this.#video.removeEventListener("error", this.#failed);
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#media.forget(this.#address);
  }

  #open(mime: string): void {
    if (this.#closed || this.#buffer) return;
    try {
      this.#buffer = this.#source.addSourceBuffer(mime);
    } catch {
      this.#onFailed();
      return;
    }
    this.#queue = new AppendQueue(
      this.#buffer,
      QUEUE_BYTES,
      () => undefined,
      (trouble) => {
        if (trouble === "full") this.#makeRoom();
        else this.#failed();
      },
    );
    for (const bytes of this.#early) this.#queue.push({ kind: "bytes", bytes });
    this.#early = [];
  }

  #makeRoom(): void {
    const first = spans(this.#video.buffered)[0];
    const toS = this.#video.currentTime - 1;
    this.#queue?.clear();
    this.#needsKey = true;
    if (first && toS > first.fromS) this.#queue?.push({ kind: "remove", fromS: first.fromS, toS });
    else this.#failed();
  }

  readonly #failed = (): void => {
    if (!this.#closed) this.#onFailed();
  };
}
