import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./fixtures";

test("people who walk by become events with masked stills that lead to the moment", async ({
  page,
  asMember,
  events,
  camera,
}) => {
  void asMember;
  await camera.open("forecourt");
  await camera.untilRecorded("forecourt", 25);
  await expect
    .poll(async () => {
      await events.open("?class=person&camera=forecourt");
      await expect(page.getByRole("main").locator("[data-event], .none").first()).toBeVisible();
      return events.cards.count();
    }, { timeout: 45_000 })
    .toBeGreaterThan(0);
  const oldest = events.cards.last();
  await oldest.scrollIntoViewIfNeeded();
  await expect
    .poll(() => oldest.locator("img").evaluate((i: HTMLImageElement) => (i.complete ? i.naturalWidth : 0)))
    .toBeGreaterThan(0);
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);

  await oldest.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/cameras\/forecourt\?at=\d+$/);
  await camera.archive.expectMoving();
  const asked = Number(new URL(page.url()).searchParams.get("at"));
  expect(Math.abs((await camera.shownMs()) - asked)).toBeLessThan(30_000);
});

test("filters narrow the list, stand in the address, and survive a reload", async ({ page, asMember, events }) => {
  void asMember;
  await events.open();
  await expect(page.getByRole("heading", { name: "Events" })).toBeVisible();
  await events.classes.getByRole("radio", { name: "Animals" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/class=animal/);
  await events.camera.selectOption("yard");
  await expect(page).toHaveURL(/camera=yard/);
  await page.reload();
  await expect(events.classes.getByRole("radio", { name: "Animals" })).toBeChecked();
  await expect(events.camera).toHaveValue("yard");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page).toHaveURL(/\/events$/);

  await test.step("a day and a time, in 24 hours", async () => {
    await page.getByRole("button", { name: "Any time" }).click();
    await page.getByLabel("Until, day").fill("2001-02-03");
    await page.getByLabel("Until, time, 24 hours").fill("17:30");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Nothing matches")).toBeVisible();
    const until = Number(new URL(page.url()).searchParams.get("to"));
    expect(new Date(until).toISOString()).toBe("2001-02-03T16:30:00.000Z");
  });
});
