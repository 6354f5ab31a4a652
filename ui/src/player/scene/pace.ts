/** Which moment of a live camera to show now: numbers in, one number out. */

/** Arrivals looked back on: what a network does is judged by some seconds. */
const WINDOW = 48;
/** At least this far behind the newest picture, so that there are two pictures to glide between. */
const DELAY_MS_MIN = 60;
/** At most this far: a network that is worse shows figures in steps instead. */
const DELAY_MS_MAX = 700;
/** Pictures of a slow camera are shown in steps rather than late. */
const INTERVAL_MS_MAX = 300;
/** Further behind than this: jump; else the shown time runs this share faster or slower. */
const BEHIND_MS_MAX = 900;
const SLEW = 0.08;

interface Arrival {
  mediaMs: number;
  /** Page time less media time: the smaller, the less it was held up. */
  offsetMs: number;
}

/**
 * Follows a live feed about one picture behind its newest one.
 *
 * Pictures come late by chance; the shown time must run on evenly all the same.
 */
export class LivePace {
  #arrivals: Arrival[] = [];
  /** Page time less shown media time, as it is now; `null` before the first picture. */
  #offsetMs: number | null = null;
  #askedMs = 0;
  #delayMs = DELAY_MS_MIN;

  /** How far behind its newest picture the feed is shown. */
  get delayMs(): number {
    return this.#delayMs;
  }

  clear(): void {
    this.#arrivals = [];
    this.#offsetMs = null;
  }

  /** A picture of `mediaMs` came at page time `nowMs`. */
  arrived(mediaMs: number, nowMs: number): void {
    const last = this.#arrivals.at(-1);
    // The same moment told again, late or in full, says nothing of the network.
    if (mediaMs === last?.mediaMs) return;
    // The camera's clock went back, or far ahead: another session.
    if (last && (mediaMs < last.mediaMs || mediaMs - last.mediaMs > 60_000)) this.clear();
    this.#arrivals.push({ mediaMs, offsetMs: nowMs - mediaMs });
    if (this.#arrivals.length > WINDOW) this.#arrivals.shift();
  }

  /** The media time to show at page time `nowMs`; `null` before there is one. */
  at(nowMs: number): number | null {
    const wanted = this.#wantedMs();
    if (wanted === null) return null;
    const gone = Math.max(0, nowMs - this.#askedMs);
    this.#askedMs = nowMs;
    if (this.#offsetMs === null || wanted - this.#offsetMs > BEHIND_MS_MAX) {
      this.#offsetMs = wanted;
    } else {
      const step = SLEW * gone;
      this.#offsetMs += Math.min(step, Math.max(-step, wanted - this.#offsetMs));
      if ((this.behindS(nowMs) ?? 0) * 1000 > BEHIND_MS_MAX) this.#offsetMs = wanted;
    }
    return nowMs - this.#offsetMs;
  }

  /** How far what is shown lies behind the newest picture, seconds; a picture that is shown whole is not behind. */
  behindS(nowMs: number): number | null {
    const last = this.#arrivals.at(-1);
    if (!last || this.#offsetMs === null) return null;
    return Math.max(0, last.mediaMs - (nowMs - this.#offsetMs)) / 1000;
  }

  #wantedMs(): number | null {
    if (this.#arrivals.length === 0) return null;
    const offsets = this.#arrivals.map((a) => a.offsetMs).sort((a, b) => a - b);
    const best = offsets[0] ?? 0;
    // One arrival in twenty may be worse: it costs a moment's standing, not everybody's time.
    const usual = offsets[Math.floor((offsets.length - 1) * 0.95)] ?? best;
    this.#delayMs = Math.min(DELAY_MS_MAX, Math.max(DELAY_MS_MIN, this.#intervalMs() + (usual - best)));
    return best + this.#delayMs;
  }

  /** The usual time between two pictures: a quiet camera says nothing for a while, which is not its pace. */
  #intervalMs(): number {
    const steps: number[] = [];
    for (let i = 1; i < this.#arrivals.length; i += 1) {
      steps.push((this.#arrivals[i]?.mediaMs ?? 0) - (this.#arrivals[i - 1]?.mediaMs ?? 0));
    }
    steps.sort((a, b) => a - b);
    return Math.min(INTERVAL_MS_MAX, steps[Math.floor(steps.length / 4)] ?? 100);
  }
}
