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
    await this.page.goto(`${this.site}/openings/new?camera=${camera}&from=${String(to - 60_000)}&to=${String(to)}`);
    await this.page.getByLabel("What for").fill(text);
    await this.page.getByRole("button", { name: "Ask", exact: true }).click();
    await expect(this.page).toHaveURL(/\/openings\/[0-9a-f]{32}$/);
  }

  async agree(passphrase: string): Promise<void> {
    await this.page.getByLabel("Passphrase of your holder key").fill(passphrase);
    await this.page.getByRole("button", { name: "Agree", exact: true }).click();
  }
}
