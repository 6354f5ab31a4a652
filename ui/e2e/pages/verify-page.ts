import type { Locator, Page } from "@playwright/test";

export class VerifyPage {
  readonly verdict: Locator;
  readonly steps: Locator;
  readonly result: Locator;

  constructor(readonly page: Page) {
    this.result = page.getByRole("region", { name: "Result" });
    this.verdict = this.result.getByRole("status");
    this.steps = this.result.getByRole("listitem");
  }

  /** The site's key, as it stands in `ledger/vkey`. */
  async giveKey(key: string): Promise<void> {
    await this.page.getByLabel("The site's key").fill(key);
  }

  async check(name: string, bytes: Buffer): Promise<void> {
    await this.page.getByLabel("Choose a video").setInputFiles({ name, mimeType: "video/mp4", buffer: bytes });
  }
}
