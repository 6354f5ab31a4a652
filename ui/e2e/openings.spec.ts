import { readFileSync } from "node:fs";

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
  await expect(openings.state).toHaveText("Open", { timeout: 60_000 });
  await expect(openings.video).toBeVisible({ timeout: 30_000 });
  await openings.video.evaluate((video: HTMLVideoElement) => video.play());
  await expect
    .poll(() => openings.video.evaluate((video: HTMLVideoElement) => video.currentTime), { message: "the original plays", timeout: 30_000 })
    .toBeGreaterThan(0.5);
  // What the page hears when it asks for news does not begin the film anew.
  const film = await openings.video.evaluate((video: HTMLVideoElement) => video.src);
  for (let news = 0; news < 2; news += 1) await page.waitForResponse(/\/api\/v1\/openings\/[0-9a-f]{32}$/);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.src)).toBe(film);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(0.5);
  expect(await openings.video.evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(600);
  await expectAccessible(page);

  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as MP4" }).click();
  const file = readFileSync(await (await saving).path());
  expect(file.subarray(4, 8).toString()).toBe("ftyp");
  expect(file.length).toBeGreaterThan(50_000);

  await page.getByRole("button", { name: "Close it now" }).click();
  await expect(openings.state).toHaveText("Taken back");
  await expect(openings.video).toHaveCount(0);
  await page.goto(`${site.address}/openings`);
  await expect(openings.list.first()).toContainText("somebody left a bag");
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
