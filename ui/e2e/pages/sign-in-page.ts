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

  /** Uses a first link and sets a password. */
  async byLink(link: string, password: string): Promise<void> {
    await this.page.goto(link);
    await this.password.fill(password);
    await this.again.fill(password);
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("navigation", { name: "Main" }).waitFor();
  }

  /** Signs in with a holder's words. */
  async byWords(site: string, words: string): Promise<void> {
    await this.page.goto(site);
    await this.page.getByRole("button", { name: "Sign in as a holder or observer" }).click();
    await this.page.getByLabel("Your 24 words").fill(words);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.page.getByRole("navigation", { name: "Main" }).waitFor();
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
