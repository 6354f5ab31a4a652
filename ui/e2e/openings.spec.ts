import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./fixtures";

const PASSPHRASE = "under the third flower pot";

test("one click and a passphrase: a household opens a minute of original, watches and exports it", async ({ page, asMember, site, openings }) => {
  void asMember;
  test.slow();
  await openings.keepKey(site.holderFile, PASSPHRASE);
  await expectAccessible(page);
  await openings.ask("forecourt", "somebody left a bag in the yard");
  await expect(openings.state).toHaveText("Waits for the holder");
  await expect(openings.video).toHaveCount(0);
  await expectNoSidewaysScroll(page);
  await openings.agree("not the passphrase");
  await expect(page.getByRole("alert")).toHaveText("That is not the passphrase.", { timeout: 60_000 });
  await openings.agree(PASSPHRASE);
  await openings.play();
  // What the page hears when it asks for news does not begin the film anew.
  const film = await openings.video.evaluate((video: HTMLVideoElement) => video.src);
  for (let news = 0; news < 2; news += 1) await page.waitForResponse(/\/api\/v1\/openings\/[0-9a-f]{32}$/);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.src)).toBe(film);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(0.5);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(600);
  await expectAccessible(page);

  const file = await openings.save();
  expect(file.subarray(4, 8).toString()).toBe("ftyp");
  expect(file.length).toBeGreaterThan(50_000);

  await page.getByRole("button", { name: "Close it now" }).click();
  await expect(openings.state).toHaveText("Taken back");
  await expect(openings.video).toHaveCount(0);
  await page.goto(`${site.address}/openings`);
  await expect(openings.list.first()).toContainText("somebody left a bag");
});

test("what begins in the middle of a group of pictures plays and is exported from the group's key picture on", async ({ page, asMember, site, openings }) => {
  void asMember;
  test.slow();
  await openings.keepKey(site.holderFile, PASSPHRASE);
  const middle = async (): Promise<number | undefined> => {
    await openings.ask("forecourt", "where do its groups begin");
    await openings.agree(PASSPHRASE);
    await expect(openings.state).toHaveText("Open", { timeout: 60_000 });
    const given = await openings.given();
    return given.find(({ key }, n) => n > 0 && !key)?.first_ms;
  };
  let fromMs: number | undefined;
  await expect.poll(async () => (fromMs = await middle()), { message: "a group has been written in parts", timeout: 60_000 }).toBeDefined();
  if (fromMs === undefined) return;
  await openings.askFor("forecourt", "from the middle of a group", fromMs + 50, Date.now());
  await openings.agree(PASSPHRASE);
  await openings.play();
  const given = await openings.given();
  expect(given[0]?.key).toBe(true);
  expect(given[0]?.first_ms).toBeLessThan(fromMs);
  expect((await openings.save()).subarray(4, 8).toString()).toBe("ftyp");
  await expect(page.getByText("signed by this site")).toBeVisible();
});

test("a holder denies, and nothing is opened", async ({ page, asMember, site, openings }) => {
  void asMember;
  test.slow();
  await openings.ask("yard", "I would like to see what the neighbour does");
  await page.getByRole("radio", { name: "Deny" }).click();
  await page.getByLabel("Why").fill("No reason to look.");
  await page.getByLabel("Your 24 words").fill(site.holderFile.replace(/^#.*$/gm, ""));
  await page.getByRole("button", { name: "Deny", exact: true }).click();
  await expect(openings.state).toHaveText("Denied");
  await expect(page.getByRole("main")).toContainText("No reason to look.");
  await expect(openings.video).toHaveCount(0);
});

test("what cannot be asked is said before anybody is bothered with it", async ({ page, asMember, site }) => {
  void asMember;
  await page.goto(`${site.address}/openings/new`);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("Choose a camera at least.");
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});
