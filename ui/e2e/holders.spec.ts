import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, expectAccessible, expectNoSidewaysScroll, PASSWORD, test } from "./fixtures";
import { HoldersPage } from "./pages/holders-page";
import { SignInPage } from "./pages/sign-in-page";
import { BINARY } from "./site";

const PASSPHRASE = "under the third flower pot";
/** A passphrase is stretched on purpose. */
const STRETCHED = { timeout: 60_000 };

/** A key made by the program, away from the browser. */
function newHolder(): { words: string; public: string } {
  const folder = mkdtempSync(join(tmpdir(), "louver-holder-"));
  const file = join(folder, "holder.txt");
  const told = execFileSync(BINARY, ["holder", "new", "-o", file], { encoding: "utf8" });
  const words = readFileSync(file, "utf8").replace(/^#.*$/gm, "").trim();
  rmSync(folder, { recursive: true });
  return { words, public: /holder1[0-9a-z]+/.exec(told)?.[0] ?? "" };
}

test("a household makes its first key in the browser, takes in a second holder, and from then on both decide", async ({
  page,
  browser,
  emptySite,
  signIn,
  faults,
}) => {
  test.setTimeout(240_000);
  const holders = new HoldersPage(page, emptySite.address);
  const bob = newHolder();
  await signIn.byLink(emptySite.firstLink, PASSWORD);
  await holders.open();

  await test.step("the first key: its sheet is shown, and the public half alone is sent", async () => {
    await expect(page.getByRole("heading", { name: "Nothing is recorded yet" })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Make the first key" }).click();
    await expect(page.getByRole("heading", { name: "Recovery sheet" })).toBeVisible();
    const words = await page.locator(".sheet li").evaluateAll((all) => all.map((li) => (li.lastChild?.textContent ?? "").trim()));
    expect(words).toHaveLength(24);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    const begin = page.getByRole("button", { name: "Keep it here and begin recording" });
    await expect(begin).toBeDisabled();
    await page.getByLabel(/I have printed the sheet/).check();
    await page.getByLabel("Your name").fill("Ada");
    await page.getByLabel("Passphrase for this browser").fill(PASSPHRASE);
    await page.getByLabel("Once more").fill(PASSPHRASE);
    const sending = page.waitForRequest(/first-holder$/, STRETCHED);
    await begin.click();
    const sent = JSON.parse((await sending).postData() ?? "") as Record<string, string>;
    expect(Object.keys(sent).sort()).toEqual(["name", "public"]);
    expect(sent["public"]).toMatch(/^holder1/);
    await expect(page.getByRole("heading", { name: "1 of 1 must agree" })).toBeVisible(STRETCHED);
    await expect(page.getByText("key in this browser", { exact: true })).toBeVisible();
    await expect(holders.chain).toContainText("Began with Ada");
  });

  await test.step("a second holder comes, with the first one's passphrase", async () => {
    await holders.startChange();
    await page.getByRole("button", { name: "Add a holder" }).click();
    await holders.fillRow(1, "Bob", "holder1nonsense");
    await holders.sign(PASSPHRASE, "Change it");
    await expect(page.getByRole("alert")).toContainText("Bob: that is no public half", STRETCHED);
    await holders.fillRow(1, "Bob", bob.public);
    await page.getByLabel(/How many of the 2/).fill("2");
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    await page.screenshot({ path: `e2e/results/holders-change-${test.info().project.name}.png`, fullPage: true });
    await holders.sign(PASSPHRASE, "Change it");
    await expect(page.getByRole("heading", { name: "2 of 2 must agree" })).toBeVisible(STRETCHED);
    await expect(holders.chain).toContainText("Added: Bob");
    await expect(holders.chain).toContainText("agreed to by Ada");
  });

  const other = await browser.newContext();
  const theirs = await other.newPage();
  faults.watch(theirs);
  await test.step("one proposes, the other agrees in his own browser", async () => {
    await holders.startChange();
    await page.getByLabel(/How many of the 2/).fill("1");
    await holders.sign(PASSPHRASE, "Propose it");
    await expect(holders.proposal).toContainText("1 of 2 agree: Ada", STRETCHED);
    await expect(page.getByRole("heading", { name: "2 of 2 must agree" })).toBeVisible();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await page.screenshot({ path: `e2e/results/holders-proposal-${test.info().project.name}.png`, fullPage: true });
    await new SignInPage(theirs).byWords(emptySite.address, bob.words);
    const his = new HoldersPage(theirs, emptySite.address);
    await his.open();
    await expect(his.proposal).toContainText("Needed: 1 in place of 2");
    await his.proposal.getByLabel("Your 24 words").fill(bob.words);
    await his.proposal.getByRole("button", { name: "Agree to the change" }).click();
    await expect(theirs.getByRole("heading", { name: "1 of 2 must agree" })).toBeVisible();
    await expect(his.proposal).toHaveCount(0);
    await expect(his.chain).toContainText("agreed to by Ada, Bob");
  });

  await test.step("who is removed is out at once", async () => {
    faults.expect(/status of 401/);
    await holders.open();
    await expect(page.getByRole("heading", { name: "1 of 2 must agree" })).toBeVisible();
    await holders.startChange();
    await page.getByRole("button", { name: "Remove Bob" }).click();
    await holders.sign(PASSPHRASE, "Change it");
    await expect(page.getByRole("heading", { name: "1 of 1 must agree" })).toBeVisible(STRETCHED);
    await expect(holders.chain).toContainText("Removed: Bob");
    await theirs.reload();
    await expect(theirs.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.screenshot({ path: `e2e/results/holders-chain-${test.info().project.name}.png`, fullPage: true });
  });
  await other.close();
});
