import { expect, expectAccessible, expectNoSidewaysScroll, PASSWORD, test } from "./fixtures";
import { Picture } from "./pages/picture";
import { PURPOSE } from "./site";

test("the printed link signs in once, a password is set, and from then on the password does", async ({
  page,
  browser,
  freshSite,
  signIn,
  topBar,
  faults,
}) => {
  await page.goto(freshSite.firstLink);
  await expect(signIn.heading).toHaveText("Choose a password");
  // The secret is out of the address bar at once.
  expect(page.url()).toBe(`${freshSite.address}/`);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);

  await test.step("a short password and two that differ are refused in words", async () => {
    await signIn.typeAndEnter("short", "short");
    await expect(signIn.problem).toContainText("at least 10 characters");
    await signIn.password.fill(PASSWORD);
    await signIn.again.fill(`${PASSWORD}!`);
    await page.keyboard.press("Enter");
    await expect(signIn.problem).toContainText("differ");
  });

  await test.step("the keyboard alone sets one", async () => {
    await signIn.password.focus();
    await signIn.typeAndEnter(PASSWORD, PASSWORD);
    await expect(topBar.wall).toHaveAttribute("aria-current", "page");
  });

  await test.step("the link is used up", async () => {
    const other = await browser.newContext();
    const stranger = await other.newPage();
    await stranger.goto(freshSite.firstLink);
    await expect(stranger.getByRole("alert")).toBeVisible();
    await expect(stranger.getByRole("heading", { level: 1 })).toHaveText("Sign in");
    await other.close();
  });

  await test.step("signing out ends it", async () => {
    await topBar.signOut.focus();
    await page.keyboard.press("Enter");
    await expect(signIn.heading).toHaveText("Sign in");
    await page.goto(`${freshSite.address}/events`);
    await expect(signIn.heading).toHaveText("Sign in");
  });

  await test.step("a wrong password is refused, the right one opens the page that was asked for", async () => {
    faults.expect(/status of 403 .*\/api\/v1\/session$/);
    await expect(signIn.password).toBeFocused();
    await signIn.typeAndEnter("not this password");
    await expect(signIn.problem).toBeVisible();
    await signIn.password.focus();
    await signIn.typeAndEnter(PASSWORD);
    await expect(page.getByRole("heading", { name: "Events" })).toBeVisible();
  });
});

test("a browser without a session sees the sign-in page and nothing else", async ({ page, freshSite, signIn }) => {
  for (const path of ["/", "/events", "/cameras/forecourt"]) {
    await page.goto(freshSite.address + path);
    await expect(signIn.heading).toHaveText("Sign in");
    await expect(page.locator("video, img, canvas")).toHaveCount(0);
    await expect(page.getByText(PURPOSE)).toHaveCount(0);
  }
  const api = "/api/v1/cameras";
  for (const path of [api, `${api}/forecourt/still`, `${api}/forecourt/live`, `${api}/forecourt/scene`, "/api/v1/events", "/api/v1/system"]) {
    expect((await page.request.get(freshSite.address + path)).status(), path).toBe(401);
  }
});

test("a camera that does not answer says so on the wall, in words", async ({ page, freshSite, signIn }) => {
  await page.goto(freshSite.firstLink);
  await expect(signIn.heading).toHaveText("Choose a password");
  await signIn.typeAndEnter(PASSWORD, PASSWORD);
  const tile = page.locator('[data-camera="yard"]');
  await expect(tile).toContainText("No connection", { timeout: 30_000 });
  // Its canvas says that nothing is known: flat but for its slats.
  expect((await new Picture(tile.locator("[data-live]")).look()).spread).toBeLessThan(8);
  await expectAccessible(page);
});
