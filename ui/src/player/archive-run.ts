import type { Fetched } from "../api/fetched";
import { sentence } from "../api/fetched";
import type { ArchiveFile } from "../api/types";
import { AppendQueue } from "./append-queue";
import type { MediaSources } from "./media-source";
import { spans } from "./spans";

/** Where recordings come from. */
export interface ArchiveSource {
  list: (fromMs: number, toMs: number, signal: AbortSignal) => Promise<Fetched<ArchiveFile[]>>;
  read: (file: string, fromMs: number | undefined, signal: AbortSignal) => Promise<Fetched<Uint8Array<ArrayBuffer>>>;
}

const BEHIND_S = 90;
const QUEUE_BYTES = 64 * 1024 * 1024;
/** How far ahead the first list of files reaches, and the second, which looks over a hole. */
const LIST_MS = [30 * 60_000, 24 * 3_600_000] as const;
/** The newest file grows while it is recorded; this often it is asked for again. */
const GROW_MS = 3_000;

export type Step =
  | { kind: "showing"; wallMs: number }
  | { kind: "loading"; wallMs: number }
  | { kind: "ended"; wallMs: number }
  | { kind: "failed"; wallMs: number; message: string };

/** Playing on from one seek, until a seek leads outside what is buffered. */
export class ArchiveRun {
  readonly #video: HTMLVideoElement;
  readonly #from: ArchiveSource;
  readonly #media: MediaSources;
  readonly #now: () => number;
  readonly #address: string;
  readonly #source: MediaSource;
  readonly #onProgress: () => void;
  readonly #abort = new AbortController();
  /** Wall time of the video element's zero. */
  readonly #zeroMs: number;

  #queue: AppendQueue | null = null;
  #buffer: SourceBuffer | null = null;
  #mime: string | null = null;
  #wantedS: number;
  #placed = false;
  /** Everything before this is appended or known to be missing. */
  #doneMs: number;
  #last: ArchiveFile | null = null;
  #busy = false;
  #askAgainMs = 0;
  #exhausted = false;
  #failure: string | null = null;

  constructor(
    video: HTMLVideoElement,
    from: ArchiveSource,
    media: MediaSources,
    now: () => number,
    wallMs: number,
    onProgress: () => void,
  ) {
    this.#onProgress = onProgress;
    this.#video = video;
    this.#from = from;
    this.#media = media;
    this.#now = now;
    // Room in front, so that a file that begins before the moment has no negative times.
    this.#zeroMs = wallMs - 600_000;
    this.#wantedS = 600;
    this.#doneMs = wallMs;
    this.#source = media.create();
    this.#source.addEventListener("sourceopen", onProgress, { once: true });
    this.#address = media.addressOf(this.#source);
    video.disableRemotePlayback = true;
    video.src = this.#address;
  }

  #wall(atS: number): number {
    return this.#zeroMs + atS * 1000;
  }

  /** Moves inside what is buffered, or says `false`. */
  jump(wallMs: number): boolean {
    const atS = (wallMs - this.#zeroMs) / 1000;
    const there = spans(this.#video.buffered).some((r) => r.fromS <= atS && atS < r.toS - 0.2);
    if (!there || this.#failure !== null) return false;
    this.#video.currentTime = atS;
    this.#wantedS = atS;
    return true;
  }

  close(): void {
    this.#abort.abort();
    this.#queue?.close();
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#media.forget(this.#address);
  }

  /** Does what is due and says where it stands. */
  step(aheadS: number): Step {
    if (this.#failure !== null) return { kind: "failed", wallMs: this.#wall(this.#wantedS), message: this.#failure };
    const ranges = spans(this.#video.buffered);
    const atS = this.#placed ? this.#video.currentTime : this.#wantedS;
    const inside = ranges.find((r) => r.fromS - 0.05 <= atS && atS < r.toS - 0.05);
    const next = ranges.find((r) => r.fromS > atS);
    this.#fetchAhead(atS, aheadS);
    this.#forgetBehind(ranges[0]?.fromS, atS);
    if (inside) {
      if (!this.#placed) this.#place(atS);
      return { kind: this.#video.readyState >= 2 ? "showing" : "loading", wallMs: this.#wall(atS) };
    }
    if (next) {
      // Over a hole: recordings that do not exist take no time to watch.
      this.#place(next.fromS + 0.001);
      return { kind: "loading", wallMs: this.#wall(next.fromS) };
    }
    if (this.#exhausted && !this.#busy && (this.#queue?.idle ?? true)) {
      return { kind: "ended", wallMs: this.#wall(atS) };
    }
    return { kind: "loading", wallMs: this.#wall(atS) };
  }

  #place(atS: number): void {
    this.#video.currentTime = atS;
    this.#placed = true;
  }

  #forgetBehind(firstS: number | undefined, atS: number): void {
    const toS = atS - BEHIND_S;
    if (firstS !== undefined && toS - firstS > 60 && this.#queue?.idle) {
      this.#queue.push({ kind: "remove", fromS: firstS, toS });
    }
  }

  #fetchAhead(atS: number, aheadS: number): void {
    if (this.#busy || this.#source.readyState !== "open") return;
    if (this.#wall(atS + aheadS) < this.#doneMs) return;
    if (this.#exhausted && this.#now() < this.#askAgainMs) return;
    this.#busy = true;
    void this.#fetchNext().finally(() => {
      this.#busy = false;
      if (!this.#abort.signal.aborted) this.#onProgress();
    });
  }

  /** Appends the next file, or what the newest one has grown by. */
  async #fetchNext(): Promise<void> {
    const file = await this.#nextFile();
    if (!file) return;
    const read = await this.#from.read(file.id, file.start_ms < this.#doneMs ? this.#doneMs : undefined, this.#abort.signal);
    if (read.kind !== "ok") {
      this.#fail(read);
      return;
    }
    if (!this.#prepare(file.mime)) return;
    await new Promise<void>((resolve) => {
      const offsetS = (file.start_ms - this.#zeroMs) / 1000;
      const taken = this.#queue?.push({ kind: "bytes", bytes: read.value, offsetS, done: resolve }) ?? false;
      if (!taken) {
        this.#failure = "This recording is too large for the browser.";
        resolve();
      }
    });
    this.#last = file;
    this.#doneMs = Math.max(this.#doneMs, file.end_ms);
  }

  async #nextFile(): Promise<ArchiveFile | null> {
    for (const reachMs of LIST_MS) {
      const list = await this.#from.list(this.#doneMs, this.#doneMs + reachMs, this.#abort.signal);
      if (list.kind !== "ok") {
        this.#fail(list);
        return null;
      }
      const file = list.value.find((f) => f.end_ms > this.#doneMs && !this.#isLast(f));
      if (file) {
        this.#exhausted = false;
        return file;
      }
      if (this.#doneMs + reachMs > this.#now()) break;
    }
    this.#exhausted = true;
    this.#askAgainMs = this.#now() + GROW_MS;
    return null;
  }

  #isLast(file: ArchiveFile): boolean {
    return this.#last?.id === file.id && this.#last.bytes === file.bytes;
  }

  /** A source buffer for this codec; a file of another one goes through `changeType`. */
  #prepare(mime: string): boolean {
    if (!this.#media.canPlay(mime)) {
      this.#failure = `This browser cannot play ${mime}.`;
      return false;
    }
    try {
      if (!this.#queue) {
        const buffer = this.#source.addSourceBuffer(mime);
        this.#queue = new AppendQueue(buffer, QUEUE_BYTES, () => undefined, (trouble) => {
          this.#failure = trouble === "full" ? "This browser has no room for more of the recording." : "The recording could not be read.";
        });
        this.#mime = mime;
        this.#buffer = buffer;
      } else if (this.#mime !== mime) {
        this.#buffer?.changeType(mime);
        this.#mime = mime;
      }
      return true;
    } catch {
      this.#failure = "The recording could not be read.";
      return false;
    }
  }

  #fail(outcome: Fetched<unknown>): void {
    this.#failure = outcome.kind === "aborted" ? null : sentence(outcome);
  }
}
