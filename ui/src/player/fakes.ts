/** The browser's media parts, as far as the players use them; they do nothing by themselves. */
import type { MediaSources } from "./media-source";

export class FakeSourceBuffer extends EventTarget {
  updating = false;
  timestampOffset = 0;
  readonly done: ({ bytes: number[]; offsetS: number } | { fromS: number; toS: number } | { mime: string })[] = [];
  /** What the next append throws. */
  refuse: DOMException | null = null;

  appendBuffer(bytes: Uint8Array): void {
    if (this.refuse) {
      const problem = this.refuse;
      this.refuse = null;
      throw problem;
    }
    this.#begin();
    this.done.push({ bytes: [...bytes], offsetS: this.timestampOffset });
  }

  remove(fromS: number, toS: number): void {
    this.#begin();
    this.done.push({ fromS, toS });
  }

  changeType(mime: string): void {
    this.done.push({ mime });
  }

  finish(): void {
    this.updating = false;
    this.dispatchEvent(new Event("updateend"));
  }

  /** Finishes until nothing is under way. */
  settle(): void {
    for (let i = 0; i < 1000 && this.updating; i += 1) this.finish();
  }

  get appended(): number[][] {
    return this.done.flatMap((d) => ("bytes" in d ? [d.bytes] : []));
  }

  #begin(): void {
    if (this.updating) throw new Error("a source buffer does one thing at a time");
    this.updating = true;
  }
}

export class FakeMediaSource extends EventTarget {
  readyState = "closed";
  readonly buffers: FakeSourceBuffer[] = [];

  open(): void {
    this.readyState = "open";
    this.dispatchEvent(new Event("sourceopen"));
  }

  addSourceBuffer(): FakeSourceBuffer {
    const buffer = new FakeSourceBuffer();
    this.buffers.push(buffer);
    return buffer;
  }
}

export class FakeVideo extends EventTarget {
  src = "";
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  readyState = 4;
  disableRemotePlayback = false;
  ranges: [number, number][] = [];

  get buffered(): { length: number; start: (i: number) => number; end: (i: number) => number } {
    const at = (i: number, side: 0 | 1): number => this.ranges[i]?.[side] ?? 0;
    return { length: this.ranges.length, start: (i) => at(i, 0), end: (i) => at(i, 1) };
  }

  play(): Promise<void> {
    this.paused = false;
    return Promise.resolve();
  }

  pause(): void {
    this.paused = true;
  }

  load(): void {
    this.ranges = [];
  }

  removeAttribute(): void {
    this.src = "";
  }
}

export class FakeMedia implements MediaSources {
  readonly sources: FakeMediaSource[] = [];
  readonly forgotten: string[] = [];
  plays = true;

  readonly create = (): MediaSource => {
    const source = new FakeMediaSource();
    this.sources.push(source);
    return source as unknown as MediaSource;
  };
  readonly canPlay = (): boolean => this.plays;
  readonly addressOf = (): string => `blob:${String(this.sources.length)}`;
  readonly forget = (address: string): void => {
    this.forgotten.push(address);
  };

  get last(): FakeMediaSource {
    const source = this.sources.at(-1);
    if (!source) throw new Error("no media source yet");
    return source;
  }

  get buffer(): FakeSourceBuffer {
    const buffer = this.last.buffers.at(-1);
    if (!buffer) throw new Error("no source buffer yet");
    return buffer;
  }
}

export class FakeSocket {
  binaryType = "blob";
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  close(): void {
    this.closed = true;
  }

  text(body: unknown): void {
    this.onmessage?.({ data: JSON.stringify(body) });
  }

  /** A binary message: kind, wall time zero, these bytes. */
  binary(kind: 0 | 1 | 2, ...bytes: number[]): void {
    this.onmessage?.({ data: new Uint8Array([kind, 0, 0, 0, 0, 0, 0, 0, 0, ...bytes]).buffer });
  }
}
