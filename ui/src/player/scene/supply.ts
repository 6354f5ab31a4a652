import { sentence } from "../../api/fetched";
import type { ArchiveSource } from "./archive-source";
import { Reel } from "./reel";

/** The first answer is small, so that a seek shows something at once. */
const FIRST_MS = 15_000;
const NEXT_MS = 60_000;
/** An answer reaches no further than this; empty ones are made longer and longer. */
const MOST_MS = 600_000;
/** How far ahead the list of recordings is asked over a hole, first and then. */
const LIST_MS = [30 * 60_000, 24 * 3_600_000] as const;
/** What is recorded now comes bit by bit; this often it is asked for again. */
const GROW_MS = 1_500;

export type SupplyState =
  | { kind: "going" }
  /** Nothing is recorded from here on (yet). */
  | { kind: "exhausted" }
  | { kind: "failed"; message: string };

/** Fetches a camera's recordings from one moment on, a stretch at a time. */
export class Supply {
  readonly reel = new Reel();
  readonly fromMs: number;
  readonly #from: ArchiveSource;
  readonly #now: () => number;
  readonly #onProgress: () => void;
  readonly #abort = new AbortController();
  #state: SupplyState = { kind: "going" };
  /** All before this is in the reel, or known to be missing. */
  #doneMs: number;
  #busy = false;
  #askAgainMs = 0;
  /** How many answers in a row held nothing. */
  #empty = 0;

  constructor(from: ArchiveSource, wallMs: number, now: () => number, onProgress: () => void) {
    this.#from = from;
    this.fromMs = wallMs;
    this.#doneMs = wallMs;
    this.#now = now;
    this.#onProgress = onProgress;
  }

  get state(): SupplyState {
    return this.#state;
  }

  /** All up to this moment is here. */
  get doneMs(): number {
    return this.#doneMs;
  }

  close(): void {
    this.#abort.abort();
  }

  /** Fetches what comes next, unless that is on its way. */
  want(): void {
    if (this.#busy || this.#state.kind === "failed" || this.#abort.signal.aborted) return;
    if (this.#state.kind === "exhausted" && this.#now() < this.#askAgainMs) return;
    this.#busy = true;
    void this.#fetch().finally(() => {
      this.#busy = false;
      if (!this.#abort.signal.aborted) this.#onProgress();
    });
  }

  async #fetch(): Promise<void> {
    const fromMs = this.#doneMs;
    const usual = this.reel.length === 0 ? FIRST_MS : NEXT_MS;
    const toMs = fromMs + Math.min(MOST_MS, usual * 2 ** this.#empty);
    const answer = await this.#from.read(fromMs, toMs, this.#abort.signal);
    if (answer.kind !== "ok") {
      this.#fail(sentence(answer));
      return;
    }
    const { added, end } = this.reel.append(answer.value);
    this.#empty = added === 0 ? Math.min(8, this.#empty + 1) : 0;
    if (this.reel.foreign) {
      this.#fail("This was recorded by a newer Louver. Load the page anew.");
    } else if (end === null) {
      this.#broken(added);
    } else if (end.nextMs !== null && end.nextMs > fromMs) {
      this.#goOn(end.nextMs);
    } else if (added === 0) {
      await this.#lookOn(toMs);
    } else {
      this.#goOn(this.#reached(toMs));
    }
  }

  /** What is recorded now is not there to its end: more of it may come with a time before `toMs`. */
  #reached(toMs: number): number {
    const lastMs = this.reel.last?.atMs ?? this.#doneMs;
    return toMs < this.#now() - 10_000 ? toMs : Math.max(this.#doneMs, Math.min(toMs, lastMs + 1));
  }

  #goOn(doneMs: number): void {
    this.#state = { kind: "going" };
    // Whole milliseconds are what can be asked for; rounded down, the last record would come once more.
    this.#doneMs = Math.ceil(doneMs);
  }

  /** An answer without an end: what came of it counts, and the rest is asked for again. */
  #broken(added: number): void {
    if (added === 0) this.#fail("The recording could not be read.");
    else this.#goOn(this.#reached(Infinity));
  }

  /** Nothing was recorded up to `toMs`: where is the next recording? */
  async #lookOn(toMs: number): Promise<void> {
    for (const reachMs of LIST_MS) {
      if (toMs > this.#now()) break;
      const list = await this.#from.list(toMs, toMs + reachMs, this.#abort.signal);
      if (list.kind !== "ok") {
        this.#fail(sentence(list));
        return;
      }
      const starts = list.value.filter((f) => f.end_ms > toMs).map((f) => Math.max(toMs, f.start_ms));
      if (starts.length > 0) {
        this.#goOn(Math.min(...starts));
        return;
      }
    }
    this.#state = { kind: "exhausted" };
    this.#askAgainMs = this.#now() + GROW_MS;
  }

  #fail(message: string | null): void {
    // Without a sentence it was given up on purpose.
    if (message !== null) this.#state = { kind: "failed", message };
  }
}
