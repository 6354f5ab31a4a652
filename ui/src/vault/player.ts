/** Plays opened originals in a `<video>`: opens what is wanted next, a little ahead, and starts anew at a seek. A plain class under a thin component. */
import { Film, PictureChanged } from "./film";
import { mimeType, type Stream } from "./fmp4";
import type { Coding, Opened } from "./open";
import { Unreadable, type Originals } from "./source";

export type PlayerState =
  | { kind: "loading" }
  | { kind: "ready" }
  /** Goes on behind it by itself. */
  | { kind: "unreadable"; atMs: number }
  | { kind: "failed"; message: string };

const NAMES: Record<Coding, string> = { h264: "H.264", h265: "H.265", mjpeg: "MJPEG" };

/** The camera's pictures are coded as something that this browser has no decoder for. The export has them all the same. */
export class CannotPlay extends Error {
  constructor(stream: Stream) {
    super(`This browser cannot play ${NAMES[stream.coding]}, as this camera sends it. Export it as MP4: players such as VLC play the file.`);
  }
}

/** Seconds opened ahead of what is shown, and kept behind it. */
const AHEAD_S = 20;
const BEHIND_S = 30;

function settled(buffer: SourceBuffer): Promise<void> {
  if (!buffer.updating) return Promise.resolve();
  return new Promise((resolve) => {
    buffer.addEventListener("updateend", () => {
      resolve();
    }, { once: true });
  });
}

export class OriginalPlayer {
  readonly #media = new MediaSource();
  readonly #address = URL.createObjectURL(this.#media);
  /** Ends what is being opened when somebody seeks, or leaves. */
  #turn = new AbortController();
  #ended = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly originals: Originals,
    /** Time 0 of the video. */
    readonly fromMs: number,
    readonly toMs: number,
    private readonly tell: (state: PlayerState) => void,
  ) {
    video.src = this.#address;
    video.addEventListener("seeking", this.#seeking);
    this.#media.addEventListener("sourceopen", () => {
      this.#media.duration = (toMs - fromMs) / 1000;
      void this.#play(0);
    }, { once: true });
  }

  /** The time that is shown, ms since 1970. */
  get wallMs(): number {
    return this.fromMs + this.video.currentTime * 1000;
  }

  seek(ms: number): void {
    this.video.currentTime = Math.max(0, Math.min(this.toMs, ms) - this.fromMs) / 1000;
  }

  end(): void {
    this.#ended = true;
    this.#turn.abort();
    this.video.removeEventListener("seeking", this.#seeking);
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.#address);
  }

  readonly #seeking = (): void => {
    const at = this.video.currentTime;
    const { buffered } = this.video;
    for (let n = 0; n < buffered.length; n += 1) {
      if (buffered.start(n) <= at && at < buffered.end(n)) return;
    }
    if (this.#media.readyState !== "closed") void this.#play(at);
  };

  /** Opens and appends from a time on, until there is something else to do. */
  async #play(atS: number): Promise<void> {
    this.#turn.abort();
    const turn = (this.#turn = new AbortController());
    const { signal } = turn;
    this.tell({ kind: "loading" });
    let index = this.originals.at(this.fromMs + atS * 1000);
    while (!signal.aborted && index < this.originals.spots.length) {
      try {
        index = await this.#stretch(index, signal);
      } catch (problem) {
        if (signal.aborted || this.#ended) return;
        if (problem instanceof Unreadable) {
          this.tell({ kind: "unreadable", atMs: problem.spot.fragment.firstMs });
          index = this.#nextKey(index, problem.spot.fragment.firstMs);
        } else {
          this.tell({ kind: "failed", message: problem instanceof Error ? problem.message : String(problem) });
          return;
        }
      }
    }
    if (!signal.aborted && this.#media.readyState === "open" && !this.#ended) this.#media.endOfStream();
  }

  #nextKey(index: number, afterMs: number): number {
    const { spots } = this.originals;
    let next = index + 1;
    while (next < spots.length) {
      const fragment = spots[next]?.fragment;
      if (fragment && fragment.key && fragment.firstMs > afterMs) break;
      next += 1;
    }
    return next;
  }

  /** One picture size and coding, from fragment `index` on. Gives where the next begins. */
  async #stretch(index: number, signal: AbortSignal): Promise<number> {
    const first = await this.originals.open(index, signal);
    // Sound that this browser cannot play is left out here; an export has it.
    const deaf = first.sound !== null && !MediaSource.isTypeSupported(mimeType(first));
    const stream = deaf ? { ...first, sound: null } : first;
    const film = new Film(stream);
    const buffer = this.#buffer(stream);
    const fits = (opened: Opened) => (deaf && opened.sound ? { ...opened, sound: null, heard: [] } : opened);
    await settled(buffer);
    if (signal.aborted) return index;
    buffer.abort();
    const spot = this.originals.spots[index];
    buffer.timestampOffset = ((spot?.fragment.firstMs ?? this.fromMs) - this.fromMs) / 1000;
    await this.#append(buffer, film.start(), signal);
    for (let next = index; ; next += 1) {
      const last = next === this.originals.spots.length;
      let piece: ReturnType<Film["finish"]>;
      try {
        piece = last ? film.finish() : film.push(fits(await this.originals.open(next, signal)));
      } catch (problem) {
        const rest = film.finish();
        if (rest) await this.#append(buffer, rest.bytes, signal);
        if (problem instanceof PictureChanged) return next;
        throw problem;
      }
      if (piece) {
        await this.#append(buffer, piece.bytes, signal);
        if (!signal.aborted) this.tell({ kind: "ready" });
      }
      if (last) return next;
      await this.#room(buffer, signal);
    }
  }

  #buffer(stream: Stream): SourceBuffer {
    const kind = mimeType(stream);
    if (!MediaSource.isTypeSupported(kind)) throw new CannotPlay(stream);
    const [there] = Array.from(this.#media.sourceBuffers);
    if (!there) {
      return this.#media.addSourceBuffer(kind);
    }
    there.changeType(kind);
    return there;
  }

  async #append(buffer: SourceBuffer, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    await settled(buffer);
    if (signal.aborted || this.#ended || this.#media.readyState === "closed") return;
    buffer.appendBuffer(bytes);
    await settled(buffer);
  }

  /** Waits until more is wanted, and lets go of what was shown long ago. */
  async #room(buffer: SourceBuffer, signal: AbortSignal): Promise<void> {
    const ahead = () => {
      const at = this.video.currentTime;
      for (let n = 0; n < buffer.buffered.length; n += 1) {
        if (buffer.buffered.start(n) <= at + 0.5 && at < buffer.buffered.end(n)) return buffer.buffered.end(n) - at;
      }
      return 0;
    };
    while (!signal.aborted && !this.#ended && ahead() > AHEAD_S) {
      const behind = this.video.currentTime - BEHIND_S;
      await settled(buffer);
      if (behind > 0 && buffer.buffered.length > 0 && buffer.buffered.start(0) < behind - 10) buffer.remove(0, behind);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
