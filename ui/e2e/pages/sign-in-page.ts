import type { Locator, Page } from "@playwright/test";

export class SignInPage {
  readonly heading: Locator;
  readonly password: Locator;
  readonly again: Locator;
  readonly problem: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole("heading", { level: 1 });
    this.password = page.getByLabel("Password", { exact: true });
    this.again = page.getByLabel("Once more");
    this.problem = page.getByRole("alert");
  }

  /** Types as a person does who never touches a mouse: the field has the focus already. */
  async typeAndEnter(...fields: string[]): Promise<void> {
    for (const [i, text] of fields.entries()) {
      if (i > 0) await this.page.keyboard.press("Tab");
      // What stood there goes, as when a person types over it.
      await this.page.keyboard.press("ControlOrMeta+A");
      await this.page.keyboard.type(text);
    }
    await this.page.keyboard.press("Enter");
  }
}
