import type { Locator, Page } from "@playwright/test";

export class TopBar {
  readonly wall: Locator;
  readonly events: Locator;
  readonly signOut: Locator;

  constructor(page: Page) {
    const main = page.getByRole("navigation", { name: "Main" });
    this.wall = main.getByRole("link", { name: "Wall" });
    this.events = main.getByRole("link", { name: "Events" });
    this.signOut = page.getByRole("button", { name: "Sign out" });
  }
}
