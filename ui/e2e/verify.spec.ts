import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, expectAccessible, expectNoSidewaysScroll, test } from "./fixtures";
import { VerifyPage } from "./pages/verify-page";

const PASSPHRASE = "under the third flower pot";
const PAGE = new URL("../dist/verify.html", import.meta.url).href;
const VECTORS = fileURLToPath(new URL("../../crates/louver-export/tests/vectors/", import.meta.url));

const HOLDS = [
  "Not a byte was changed since it was exported.",
  "The site whose key you gave signed it.",
  "The pictures are those that the recorder sealed at that time.",
  "The key holders had released them.",
];

test("an original that was opened and exported holds on the recorder's page, and does not with a changed byte", async ({ page, asMember, site, openings }) => {
  void asMember;
  test.slow();
  await openings.keepKey(site.holderFile, PASSPHRASE);
  await openings.ask("forecourt", "the delivery that went missing");
  await openings.agree(PASSPHRASE);
  await expect(openings.video).toBeVisible({ timeout: 60_000 });
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as MP4" }).click();
  const file = readFileSync(await (await saving).path());
  await expect(page.getByText("Saved, and signed by this site.")).toBeVisible();
  await expectAccessible(page);
  const key = await (await page.request.get(`${site.address}/ledger/vkey`)).text();

  await page.goto(`${site.address}/verify.html`);
  const verify = new VerifyPage(page);
  await verify.giveKey("not a key");
  await expect(page.getByText("This is no key.")).toBeVisible();
  await verify.giveKey(key);
  await verify.check("forecourt.mp4", file);
  await expect(verify.verdict).toHaveText("The video holds.", { timeout: 60_000 });
  await expect(verify.steps.locator("p")).toHaveText(HOLDS);
  await expect(verify.result).toContainText("forecourt, original");
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.screenshot({ path: `e2e/results/verify-holds-${test.info().project.name}.png`, fullPage: true });

  const changed = Buffer.from(file);
  const at = Math.floor(changed.length / 2);
  changed[at] = (changed[at] ?? 0) ^ 1;
  await verify.check("changed.mp4", changed);
  await expect(verify.verdict).toHaveText("The video is refused.", { timeout: 60_000 });
  await expect(verify.steps.first()).toHaveText(/The video was changed after it was signed\./);
  await expect(verify.steps.nth(2)).toHaveText(/Fragment \d+ of segment \d+ \(20.*byte \d+ of the file: its pictures are not what was sealed\./);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.screenshot({ path: `e2e/results/verify-refused-${test.info().project.name}.png`, fullPage: true });
});

test("the saved page checks from a disk, without a network, and asks for nothing", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(PAGE);
  await page.context().setOffline(true);
  const verify = new VerifyPage(page);
  await verify.check("original.mp4", readFileSync(`${VECTORS}original.mp4`));
  await expect(verify.verdict).toHaveText("The video holds.");
  await expect(verify.steps.nth(1)).toHaveText(/Which one is its own word/);
  await verify.giveKey(readFileSync(`${VECTORS}site.vkey`, "utf8"));
  await verify.check("masked.mp4", readFileSync(`${VECTORS}masked.mp4`));
  await expect(verify.steps.locator("p")).toHaveText(HOLDS.slice(0, 2));
  await expect(verify.result).toContainText("masked: people are not in it");
  await verify.check("letter.mp4", Buffer.from("Dear all,\n"));
  await expect(verify.verdict).toHaveText("The video is refused.");
  await expect(verify.result).toContainText("No box of an MP4 begins at byte 0");
  expect(asked.filter((url) => !url.startsWith("data:"))).toEqual([PAGE]);
});
