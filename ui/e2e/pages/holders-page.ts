import type { Locator, Page } from "@playwright/test";

export class HoldersPage {
  readonly chain: Locator;
  readonly change: Locator;
  readonly proposal: Locator;

  constructor(
    readonly page: Page,
    readonly site: string,
  ) {
    this.chain = page.getByRole("region", { name: "How the list came about" });
    this.change = page.locator("details", { hasText: "Change who the holders are" });
    this.proposal = page.getByRole("region", { name: /^Proposed list/ });
  }

  async open(): Promise<void> {
    await this.page.goto(`${this.site}/holders`);
  }

  async startChange(): Promise<void> {
    await this.change.getByText("Change who the holders are").click();
  }

  async fillRow(n: number, name: string, publicHalf: string): Promise<void> {
    const row = this.change.getByRole("listitem").nth(n);
    await row.getByLabel(/^(Holder|Observer)$/).fill(name);
    await row.getByLabel("Public half").fill(publicHalf);
  }

  /** Signs with the key that this browser keeps. */
  async sign(passphrase: string, action: string): Promise<void> {
    await this.change.getByLabel("Passphrase of your holder key").fill(passphrase);
    await this.change.getByRole("button", { name: action, exact: true }).click();
  }
}
