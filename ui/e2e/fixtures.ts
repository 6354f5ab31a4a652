import { AxeBuilder } from "@axe-core/playwright";
import { expect, request, test as base, type Page } from "@playwright/test";

import { CameraPage } from "./pages/camera-page";
import { EventsPage } from "./pages/events-page";
import { OpeningsPage } from "./pages/openings-page";
import { SignInPage } from "./pages/sign-in-page";
import { TopBar } from "./pages/top-bar";
import { WallPage } from "./pages/wall-page";
import { missing, startSite, type Site } from "./site";

export const PASSWORD = "over the garden wall";

/** What a page did wrong; a test fails over any of it that it did not say it expects. */
export class Faults {
  readonly #seen: string[] = [];
  readonly #expected: RegExp[] = [];

  watch(page: Page): void {
    page.on("console", (message) => {
      if (message.type() === "error") this.#seen.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => this.#seen.push(`error: ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 500) this.#seen.push(`${String(response.status())} ${response.url()}`);
    });
  }

  /** This fault is what the test is about. */
  expect(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  get unexpected(): string[] {
    return this.#seen.filter((fault) => !this.#expected.some((pattern) => pattern.test(fault)));
  }
}

/** Nothing that an automated check of accessibility (WCAG 2.2 AA) finds wrong. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
}

/** The page is not wider than its window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  // Where a page is too wide, a phone makes its window wider: what was asked for is the measure.
  const width = page.viewportSize()?.width ?? 0;
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
}

interface TestParts {
  faults: Faults;
  /** A site just installed, whose cameras do not answer. */
  freshSite: Site;
  /** A site just installed, without a holder. */
  emptySite: Site;
  /** Opens the page as somebody who is signed in. */
  asMember: undefined;
  signIn: SignInPage;
  topBar: TopBar;
  wall: WallPage;
  camera: CameraPage;
  events: EventsPage;
  openings: OpeningsPage;
}

interface WorkerParts {
  /** A site whose cameras play, shared by the tests of one width; its password is `PASSWORD`. */
  site: Site;
  memberState: { cookies: Parameters<ReturnType<Page["context"]>["addCookies"]>[0] };
}

export const test = base.extend<TestParts, WorkerParts>({
  site: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants a pattern, and this needs nothing
    async ({}, use, worker) => {
      test.skip(missing() !== null, missing() ?? "");
      const site = await startSite(`louver-${worker.project.name}`, { cameras: "on" });
      await use(site);
      await site.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  memberState: [
    async ({ site }, use) => {
      const client = await request.newContext({ baseURL: site.address, extraHTTPHeaders: { origin: site.address } });
      const token = new URL(site.newLink()).hash.replace("#token=", "");
      expect((await client.post("/api/v1/session/link", { data: { token } })).ok()).toBe(true);
      expect((await client.put("/api/v1/session/password", { data: { password: PASSWORD } })).ok()).toBe(true);
      const { cookies } = await client.storageState();
      await use({ cookies });
      await client.dispose();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  faults: [
    async ({ page }, use) => {
      const faults = new Faults();
      faults.watch(page);
      await use(faults);
      expect(faults.unexpected).toEqual([]);
    },
    { auto: true },
  ],
  freshSite: async ({ page }, use, info) => {
    test.skip(missing() !== null, missing() ?? "");
    const site = await startSite(`fresh-${info.project.name}`, { cameras: "off" });
    await use(site);
    // A page that is still open would ask a server that is gone, and that would count as its fault.
    await page.goto("about:blank");
    await site.stop();
  },
  emptySite: async ({ page }, use, info) => {
    test.skip(missing() !== null, missing() ?? "");
    const site = await startSite(`empty-${info.project.name}`, { cameras: "off", holders: "none" });
    await use(site);
    await page.goto("about:blank");
    await site.stop();
  },
  asMember: async ({ page, memberState }, use) => {
    await page.context().addCookies(memberState.cookies);
    await use(undefined);
  },
  signIn: async ({ page }, use) => {
    await use(new SignInPage(page));
  },
  topBar: async ({ page }, use) => {
    await use(new TopBar(page));
  },
  wall: async ({ page, site }, use) => {
    await use(new WallPage(page, site.address));
  },
  camera: async ({ page, site }, use) => {
    await use(new CameraPage(page, site.address));
  },
  events: async ({ page, site }, use) => {
    await use(new EventsPage(page, site.address));
  },
  openings: async ({ page, site }, use) => {
    await use(new OpeningsPage(page, site.address));
  },
});

export { expect };
