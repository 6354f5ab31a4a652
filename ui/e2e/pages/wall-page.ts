import type { Locator, Page } from "@playwright/test";

import { LivePicture } from "./picture";

export class WallPage {
  readonly tiles: Locator;

  constructor(
    readonly page: Page,
    readonly site: string,
  ) {
    this.tiles = page.locator("[data-camera]");
  }

  async open(): Promise<void> {
    await this.page.goto(this.site);
  }

  tile(id: string): Locator {
    return this.page.locator(`[data-camera="${id}"]`);
  }

  picture(id: string): LivePicture {
    return new LivePicture(this.tile(id).locator("[data-live]"));
  }
}
