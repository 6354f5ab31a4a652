import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./fixtures";
import { CAMERAS } from "./site";

test("the wall shows every camera, live and masked, under one second behind", async ({ page, asMember, wall }) => {
  void asMember;
  await wall.open();
  await expect(wall.tiles).toHaveCount(Object.keys(CAMERAS).length);
  for (const id of ["forecourt", "yard"]) {
    const picture = wall.picture(id);
    await picture.canvas.scrollIntoViewIfNeeded();
    await picture.expectMoving();
    await picture.expectUnderOneSecondBehind();
    await expect(wall.tile(id)).toContainText("Recording");
  }
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
});

test("a sealed-only camera is locked: no picture of it, anywhere", async ({ page, asMember, site, wall, camera }) => {
  void asMember;
  await wall.open();
  const shed = wall.tile("shed");
  await expect(shed).toContainText("Sealed only");
  await expect(shed).toContainText("Nothing of it can be seen without an opening");
  await expect(shed.locator("video, img, canvas")).toHaveCount(0);

  await shed.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(CAMERAS.shed.name);
  await expect(page.getByRole("main").locator("video, img, canvas")).toHaveCount(0);
  await expect(camera.timeline).toBeVisible();
  const api = `${site.address}/api/v1/cameras/shed`;
  expect((await page.request.get(`${api}/still`)).ok()).toBe(false);
});

test("from the wall to a camera and back, by keyboard", async ({ page, asMember, wall }) => {
  void asMember;
  await wall.open();
  await expect(wall.tile("forecourt")).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByText("Skip to content")).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(wall.tile("forecourt")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/cameras\/forecourt$/);
  await expect(page).toHaveTitle("Forecourt · Louver");
  await page.goBack();
  await expect(wall.tile("forecourt")).toBeVisible();
});
