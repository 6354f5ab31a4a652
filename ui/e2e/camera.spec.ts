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

/** Okabe and Ito's blue: a person. */
const PERSON: [number, number, number] = [0, 114, 178];

test("the picture is a place with people as figures on it, on a canvas, and never a video", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.live.expectPlace();
  await expect.poll(() => camera.live.pixelsOf(PERSON), { message: "a person's figure", timeout: 60_000 }).toBeGreaterThan(50);
  await expect(page.getByRole("img", { name: /^Live masked picture of Forecourt: .*(person|people)/ })).toBeVisible();
  await expect(page.locator("video")).toHaveCount(0);
});

test("figures glide between pictures, unless less movement is asked for", async ({ page, asMember, camera }) => {
  void asMember;
  await page.emulateMedia({ reducedMotion: "no-preference" });
  await camera.open("forecourt");
  await camera.live.expectPlace();
  await camera.live.expectMoving();
  await camera.live.expectUnderOneSecondBehind();
});

test("a picture that no longer comes says since when, and shows nobody", async ({ page, asMember, camera }) => {
  void asMember;
  let flowing = true;
  await page.routeWebSocket(/\/scene$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (flowing) socket.send(message);
    });
  });
  await camera.open("forecourt");
  await camera.live.expectMoving();
  flowing = false;
  await expect(camera.live.screen).toHaveAttribute("data-live", "stalled", { timeout: 15_000 });
  await expect(camera.live.screen).toContainText(/No new picture since \d\d:\d\d:\d\d/);
  expect(await camera.live.pixelsOf(PERSON)).toBe(0);
  flowing = true;
  await expect(camera.live.screen).toHaveAttribute("data-live", "playing", { timeout: 30_000 });
});

test("on the whole screen it says which camera it is and that it is live", async ({ page, asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.live.expectMoving();
  await page.getByRole("button", { name: "Whole screen" }).click();
  const caption = page.locator("[data-caption]");
  await expect(caption).toContainText("Forecourt");
  await expect(caption).toContainText("Live");
  await camera.live.expectMoving();
  await page.keyboard.press("Escape");
  await page.evaluate(() => (document.fullscreenElement ? document.exitFullscreen() : undefined));
  await expect(caption).toHaveCount(0);
});

test("the hand takes the shown moment along the timeline, and the picture follows", async ({ asMember, camera }) => {
  void asMember;
  await camera.open("forecourt");
  await camera.untilRecorded("forecourt", 40);
  await camera.zooms.getByRole("radio", { name: "15 min" }).click();
  await camera.pressTimelineAt(Date.now() - 10_000);
  await camera.archive.expectMoving();
  await camera.bar.pause.click();
  const from = await camera.archive.atMs();
  await camera.dragShownMomentTo(from - 25_000);
  await expect.poll(() => camera.archive.atMs()).toBeLessThan(from - 12_000);
  await expect(camera.archive.screen).toHaveAttribute("data-archive", "paused");
  await camera.archive.expectPlace();
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
    const stood = await camera.archive.atMs();
    await camera.bar.stepBack.click();
    await expect.poll(() => camera.archive.atMs()).toBeLessThan(stood);
    expect(await camera.archive.atMs()).toBeGreaterThan(stood - 3_000);
    await camera.bar.back.click();
    await expect.poll(() => camera.archive.atMs()).toBeLessThan(stood - 4_000);
    await expect(camera.archive.screen).toHaveAttribute("data-archive", "paused");
    await camera.bar.play.click();
    await camera.archive.expectMoving();
  });

  await test.step("faster is faster", async () => {
    await camera.bar.back.click();
    await expect(camera.archive.screen).toHaveAttribute("data-archive", "playing");
    await camera.bar.speed.selectOption("8");
    const [from, began] = [await camera.archive.atMs(), Date.now()];
    await expect.poll(() => camera.archive.atMs(), { intervals: [50] }).toBeGreaterThan(from + 4_000);
    expect(Date.now() - began).toBeLessThan(3_000);
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
