import { expect, type Locator, type Page } from "@playwright/test";

import { LivePicture, Picture } from "./picture";

export class CameraPage {
  readonly live: LivePicture;
  readonly archive: Picture;
  readonly timeline: Locator;
  readonly bar: { play: Locator; pause: Locator; back: Locator; stepBack: Locator; live: Locator; speed: Locator };
  readonly clock: Locator;
  readonly events: Locator;
  readonly register: Locator;
  readonly zooms: Locator;

  constructor(
    readonly page: Page,
    readonly site: string,
  ) {
    this.live = new LivePicture(page.locator("[data-live]"));
    this.archive = new Picture(page.locator("[data-archive]"));
    this.timeline = page.getByRole("slider", { name: "Timeline" });
    this.bar = {
      play: page.getByRole("button", { name: "Play", exact: true }),
      pause: page.getByRole("button", { name: "Pause", exact: true }),
      back: page.getByRole("button", { name: "Back 10 seconds" }),
      stepBack: page.getByRole("button", { name: "One picture back" }),
      live: page.getByRole("button", { name: "Jump to live" }),
      speed: page.getByLabel("Speed"),
    };
    this.clock = page.locator(".at time");
    this.events = page.getByRole("complementary").locator("[data-event]");
    this.register = page.getByRole("region", { name: "Why this camera is here" });
    this.zooms = page.getByRole("radiogroup", { name: "Time in view" });
  }

  async open(id: string): Promise<void> {
    await this.page.goto(`${this.site}/cameras/${id}`);
  }

  /** The moment on screen, ms since 1970. */
  async shownMs(): Promise<number> {
    return new Date((await this.clock.getAttribute("datetime")) ?? "").getTime();
  }

  /** Waits until so many seconds of masked recording lie behind now. */
  async untilRecorded(id: string, seconds: number): Promise<void> {
    const address = (): string => {
      const now = Date.now();
      return `${this.site}/api/v1/cameras/${id}/archive?from_ms=${String(now - 3_600_000)}&to_ms=${String(now)}`;
    };
    await expect
      .poll(
        async () => {
          const files = (await (await this.page.request.get(address())).json()) as { start_ms: number; end_ms: number }[];
          return files.reduce((sum, f) => sum + f.end_ms - f.start_ms, 0) / 1000;
        },
        { message: `${String(seconds)} s of recording`, timeout: 90_000 },
      )
      .toBeGreaterThan(seconds);
  }

  /** Presses the timeline where a moment stands. */
  async pressTimelineAt(ms: number): Promise<void> {
    const box = await this.timeline.boundingBox();
    const from = Number(await this.timeline.getAttribute("aria-valuemin"));
    const to = Number(await this.timeline.getAttribute("aria-valuemax"));
    expect(box).not.toBeNull();
    const x = ((ms - from) / (to - from)) * (box?.width ?? 0);
    await this.timeline.click({ position: { x, y: (box?.height ?? 0) - 16 } });
  }

  /** Takes hold of the moment that is shown and drags it to another. */
  async dragShownMomentTo(ms: number): Promise<void> {
    await this.timeline.scrollIntoViewIfNeeded();
    const box = await this.timeline.boundingBox();
    if (!box) throw new Error("no timeline");
    const from = Number(await this.timeline.getAttribute("aria-valuemin"));
    const to = Number(await this.timeline.getAttribute("aria-valuemax"));
    const x = (at: number): number => box.x + ((at - from) / (to - from)) * box.width;
    const y = box.y + box.height - 16;
    await this.page.mouse.move(x(await this.shownMs()), y);
    await this.page.mouse.down();
    await this.page.mouse.move(x(ms), y, { steps: 12 });
    await this.page.mouse.up();
  }
}
