import { readFileSync } from "node:fs";

import { expect, type Locator, type Page } from "@playwright/test";

export class OpeningsPage {
  readonly list: Locator;
  readonly state: Locator;
  readonly video: Locator;

  constructor(
    readonly page: Page,
    readonly site: string,
  ) {
    this.list = page.getByRole("main").getByRole("listitem");
    this.state = page.locator("main header").getByRole("status");
    this.video = page.locator("video");
  }

  /** Keeps a holder's key in this browser. */
  async keepKey(words: string, passphrase: string): Promise<void> {
    await this.page.goto(`${this.site}/holders`);
    await this.page.getByLabel(/24 words, or the text/).fill(words);
    await this.page.getByRole("button", { name: "Go on" }).click();
    await this.page.getByLabel("Passphrase for this browser").fill(passphrase);
    await this.page.getByLabel("Once more").fill(passphrase);
    await this.page.getByRole("button", { name: "Keep in this browser" }).click();
    // The passphrase is stretched on purpose.
    await expect(this.page.getByText("key in this browser", { exact: true })).toBeVisible({ timeout: 60_000 });
  }

  /** Asks for the last minute of a camera, once something of it is sealed; the request's page opens. */
  async ask(camera: string, text: string): Promise<void> {
    const sealed = async (): Promise<number> => {
      const answer = await this.page.request.get(`${this.site}/api/v1/cameras/${camera}`);
      const { status } = (await answer.json()) as { status: { last_sealed_ms: number | null } };
      return status.last_sealed_ms ?? 0;
    };
    await expect.poll(sealed, { message: "something is sealed", timeout: 60_000 }).toBeGreaterThan(0);
    const to = Date.now();
    await this.askFor(camera, text, to - 60_000, to);
  }

  /** Asks for a time of a camera, ms since 1970; the request's page opens. */
  async askFor(camera: string, text: string, fromMs: number, toMs: number): Promise<void> {
    await this.page.goto(`${this.site}/openings/new?camera=${camera}&from=${String(fromMs)}&to=${String(toMs)}`);
    await this.page.getByLabel("What for").fill(text);
    await this.page.getByRole("button", { name: "Ask", exact: true }).click();
    await expect(this.page).toHaveURL(/\/openings\/[0-9a-f]{32}$/);
  }

  /** The fragments that the request that is shown gives, in order. */
  async given(): Promise<{ first_ms: number; key: boolean }[]> {
    const id = new URL(this.page.url()).pathname.split("/").at(-1) ?? "";
    const answer = await this.page.request.get(`${this.site}/api/v1/openings/${id}/segments`);
    const segments = (await answer.json()) as { fragments: { first_ms: number; key: boolean }[] }[];
    return segments.flatMap(({ fragments }) => fragments);
  }

  /** Plays the original for half a second. */
  async play(): Promise<void> {
    await expect(this.state).toHaveText("Open", { timeout: 60_000 });
    await expect(this.video).toBeVisible({ timeout: 30_000 });
    // A film that cannot begin leaves this promise open for ever.
    void this.video.evaluate((video: HTMLVideoElement) => video.play());
    await expect
      .poll(() => this.video.evaluate((video: HTMLVideoElement) => video.currentTime), { message: "the original plays", timeout: 30_000 })
      .toBeGreaterThan(0.5);
  }

  /** Exports the original, and gives the file. */
  async save(): Promise<Buffer> {
    const saving = this.page.waitForEvent("download");
    await this.page.getByRole("button", { name: "Export as MP4" }).click();
    return readFileSync(await (await saving).path());
  }

  async agree(passphrase: string): Promise<void> {
    await this.page.getByLabel("Passphrase of your holder key").fill(passphrase);
    await this.page.getByRole("button", { name: "Agree", exact: true }).click();
  }
}
