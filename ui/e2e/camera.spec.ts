import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./fixtures";
import { OWNER, PURPOSE } from "./site";

test("a camera's page shows it live and large, and why it is there", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.live.expectMoving();
  await camera.live.expectUnderOneSecondBehind();
  await expect(camera.register).toContainText(PURPOSE);
  await expect(camera.register).toContainText(OWNER);
  await expect(camera.register).toContainText("tests@example.org");
  await expect(camera.register).toContainText("72 hours");
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
});

test("a press on the timeline plays what was recorded then, and live is one press away", async ({ asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.untilRecorded("forecourt", 25);
  await camera.zooms.getByRole("radio", { name: "15 min" }).click();
  await expect(camera.zooms.getByRole("radio", { name: "15 min" })).toBeChecked();
  const wanted = Date.now() - 12_000;
  await camera.pressTimelineAt(wanted);
  await camera.archive.expectMoving();
  expect(Math.abs((await camera.shownMs()) - wanted)).toBeLessThan(12_000);

  await test.step("it stands when paused, and goes on", async () => {
    await camera.bar.pause.click();
    await expect(camera.bar.play).toBeVisible();
    await expect(camera.archive.screen).toHaveAttribute("data-archive", "paused");
    const stood = await camera.archive.timeS();
    await camera.bar.back.click();
    await expect.poll(() => camera.archive.timeS()).not.toBe(stood);
    await camera.bar.play.click();
    await camera.archive.expectMoving();
  });

  await test.step("faster is faster", async () => {
    await camera.bar.speed.selectOption("2");
    await expect(camera.archive.video).toHaveJSProperty("playbackRate", 2);
  });

  await camera.bar.live.click();
  await camera.live.expectMoving();
  await camera.live.expectUnderOneSecondBehind();
});

test("the keyboard finds a moment, plays it and goes back to live", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("yard");
  await camera.untilRecorded("yard", 25);
  await camera.timeline.focus();
  await page.keyboard.press("+");
  await expect(camera.zooms.getByRole("radio", { name: "15 min" })).toBeChecked();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\?at=\d+$/);
  await camera.archive.expectMoving();
  await camera.timeline.focus();
  await page.keyboard.press("End");
  await camera.live.expectMoving();
  await expect(page).toHaveURL(/\/cameras\/yard$/);
});

test("recordings, and what happened, stand on the timeline", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.untilRecorded("forecourt", 25);
  await expect(page.locator(".lanes rect.masked").first()).toBeVisible();
  await expect(page.locator(".lanes rect.person").first()).toBeVisible({ timeout: 30_000 });
  await camera.timeline.focus();
  await page.keyboard.press("-");
  await expect(camera.zooms.getByRole("radio", { name: "6 h" })).toBeChecked();
  await page.keyboard.press("ArrowLeft");
  await expect(camera.timeline).toHaveAttribute("aria-valuetext", /^(\w+ \d+ \w+ )?\d\d:\d\d:\d\d/);
});

test("the shown moment does not jump while the list of cameras is refreshed", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.untilRecorded("forecourt", 25);
  await page.goto(`${camera.site}/cameras/forecourt?at=${String(Date.now() - 20_000)}`);
  await camera.archive.expectMoving();
  const before = await camera.shownMs();
  await page.waitForResponse((r) => r.url().endsWith("/api/v1/cameras"));
  await page.waitForResponse((r) => r.url().endsWith("/api/v1/cameras"));
  expect(await camera.shownMs()).toBeGreaterThan(before);
});
