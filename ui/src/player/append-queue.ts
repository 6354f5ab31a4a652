/** What to do with a source buffer, in order. */
export type Append =
  | { kind: "bytes"; bytes: Uint8Array<ArrayBuffer>; offsetS?: number; done?: () => void }
  | { kind: "remove"; fromS: number; toS: number };

export type QueueTrouble = "full" | "failed";

/**
 * Feeds a `SourceBuffer`, which does one thing at a time.
 *
 * Bounded: above `limitBytes` waiting, `push` refuses and the owner decides what to drop.
 */
export class AppendQueue {
  readonly #buffer: SourceBuffer;
  readonly #limitBytes: number;
  readonly #onIdle: () => void;
  readonly #onTrouble: (trouble: QueueTrouble) => void;
  #waiting: Append[] = [];
  #waitingBytes = 0;
  #current: Append | null = null;
  #closed = false;

  constructor(
    buffer: SourceBuffer,
    limitBytes: number,
    onIdle: () => void,
    onTrouble: (trouble: QueueTrouble) => void,
  ) {
    this.#buffer = buffer;
    this.#limitBytes = limitBytes;
    this.#onIdle = onIdle;
    this.#onTrouble = onTrouble;
    buffer.addEventListener("updateend", this.#updated);
    buffer.addEventListener("error", this.#failed);
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get idle(): boolean {
    return this.#current === null && this.#waiting.length === 0;
  }

  /** Takes it, or says `false` when too much waits already. */
  push(append: Append): boolean {
    const bytes = append.kind === "bytes" ? append.bytes.byteLength : 0;
    if (this.#waitingBytes + bytes > this.#limitBytes) return false;
    this.#waiting.push(append);
    this.#waitingBytes += bytes;
    this.#step();
    return true;
  }

  /** Drops what has not begun. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  close(): void {
    this.#closed = true;
    this.clear();
    this.#buffer.removeEventListener("updateend", this.#updated);
    this.#buffer.removeEventListener("error", this.#failed);
  }

  readonly #updated = (): void => {
    const done = this.#current;
    this.#current = null;
    if (done?.kind === "bytes") done.done?.();
    this.#step();
    if (!this.#closed && this.idle) this.#onIdle();
  };

  readonly #failed = (): void => {
    if (!this.#closed) this.#onTrouble("failed");
  };

  #step(): void {
    if (this.#closed || this.#current || this.#buffer.updating) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#current = next;
    try {
      this.#start(next);
    } catch (problem) {
      this.#current = null;
      if (problem instanceof DOMException && problem.name === "QuotaExceededError") {
        this.#waiting.unshift(next);
        this.#onTrouble("full");
      } else {
        this.#onTrouble("failed");
      }
      return;
    }
    if (next.kind === "bytes") this.#waitingBytes -= next.bytes.byteLength;
  }

  #start(next: Append): void {
    switch (next.kind) {
      case "bytes":
        if (next.offsetS !== undefined) this.#buffer.timestampOffset = next.offsetS;
        this.#buffer.appendBuffer(next.bytes);
        return;
      case "remove":
        this.#buffer.remove(next.fromS, next.toS);
        return;
      default:
        next satisfies never;
    }
  }
}
