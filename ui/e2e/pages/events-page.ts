import type { Locator, Page } from "@playwright/test";

export class EventsPage {
  readonly cards: Locator;
  readonly classes: Locator;
  readonly camera: Locator;

  constructor(
    readonly page: Page,
    readonly site: string,
  ) {
    this.cards = page.getByRole("main").locator("[data-event]");
    this.classes = page.getByRole("radiogroup", { name: "What" });
    this.camera = page.getByRole("combobox", { name: "Camera" });
  }

  async open(query = ""): Promise<void> {
    await this.page.goto(`${this.site}/events${query}`);
  }
}
