/** A real site for one run of tests: RTSP cameras that play the demo footage, and Louver recording them. */
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../..");
const DEPS = process.env["LOUVER_DEPS"] ?? join(ROOT, ".deps");
const FOOTAGE = join(DEPS, "footage");
export const BINARY = process.env["LOUVER_BIN"] ?? join(ROOT, "target/debug/louver");
const LOGS = join(HERE, "results");

const READY_MS = 60_000;
const END_MS = 15_000;

/** What the tests need and this machine lacks, as a sentence; `null` when all is there. */
export function missing(): string | null {
  if (!existsSync(BINARY)) {
    // Whoever names a binary wants these tests to run: then its absence is a failure, not a reason to skip.
    if (process.env["LOUVER_BIN"] !== undefined) throw new Error(`LOUVER_BIN=${BINARY}: no such file`);
    return `${BINARY} is missing: cargo build -p louver`;
  }
  const needed = ["footage/forecourt_main.mp4", "footage/yard_sub.mp4", "models", "lib/libonnxruntime.so"];
  const lacks = needed.find((file) => !existsSync(join(DEPS, file)));
  return lacks === undefined ? null : `.deps/${lacks} is missing: scripts/setup.sh`;
}

/** Cameras of the tests: two that are seen, one that is sealed only. */
export const CAMERAS = {
  forecourt: { id: "forecourt", name: "Forecourt", clip: "forecourt", analysis: "on" },
  yard: { id: "yard", name: "Yard", clip: "yard", analysis: "on" },
  shed: { id: "shed", name: "Boiler shed", clip: "yard", analysis: "off" },
} as const;

export const PURPOSE = "Shows the tests what a person would see";
export const OWNER = "The test house";

export interface Site {
  address: string;
  /** The link that `louver serve` printed. */
  firstLink: string;
  /** The only holder's 24 words, as `louver holder new` wrote them. */
  holderFile: string;
  /** Another one, from `louver link`. */
  newLink: () => string;
  stop: () => Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("no free port"));
      });
    });
  });
}

/** Starts a program, keeps its words in results/, and waits for the line that says it is ready. */
function start(name: string, program: string, args: string[], ready: RegExp): Promise<{ child: ChildProcess; said: RegExpExecArray }> {
  mkdirSync(LOGS, { recursive: true });
  const log = createWriteStream(join(LOGS, `${name}.log`), { flags: "a" });
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LOUVER_DEPS: DEPS } });
  return new Promise((resolve, reject) => {
    let words = "";
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`${name} ${why}\n${words.slice(-2000)}`));
    };
    const timer = setTimeout(() => {
      fail(`was not ready within ${String(READY_MS / 1000)} s`);
    }, READY_MS);
    const hear = (chunk: Buffer): void => {
      log.write(chunk);
      words = (words + chunk.toString()).slice(-20_000);
      const said = ready.exec(words);
      if (!said) return;
      clearTimeout(timer);
      resolve({ child, said });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", (problem) => {
      fail(problem.message);
    });
    child.once("exit", (code) => {
      fail(`ended with ${String(code)}`);
    });
  });
}

/** Ends a program as a person would, and with force after a while. */
function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** A nearly full disk is nothing that these tests are about: recordings would go while they are looked at. */
function settings(listen: string, recipient: string | null, rtsp: string | null): string {
  const cameras = Object.values(CAMERAS).map(
    (camera) => `
[[camera]]
id = "${camera.id}"
name = "${camera.name}"
main = "${rtsp ?? "rtsp://127.0.0.1:9"}/${camera.clip}/main"
sub = "${rtsp ?? "rtsp://127.0.0.1:9"}/${camera.clip}/sub"
purpose = "${PURPOSE}"
owner = "${OWNER}"
contact = "tests@example.org"
retention_hours = 72
analysis = "${camera.analysis}"
`,
  );
  const holders = recipient === null ? "" : `[holders]\nneeded = 1\nlist = [{ name = "Ada", public = "${recipient}" }]\n`;
  return `data = "data"\nlisten = "${listen}"\nsite_name = "Test site"\n[storage]\nmin_free_percent = 1\n${holders}${cameras.join("")}`;
}

function cameras(): Promise<{ child: ChildProcess; said: RegExpExecArray }> {
  const mounts = ["forecourt", "yard"].flatMap((clip) =>
    ["main", "sub"].flatMap((kind) => ["--mount", `/${clip}/${kind}=${join(FOOTAGE, `${clip}_${kind}.mp4`)}`]),
  );
  const script = join(ROOT, "scripts/rtsp_server.py");
  return start("rtsp", "/usr/bin/python3", [script, "--port", "0", ...mounts], /ready (rtsp:\/\/\S+)/);
}

/** Starts a site; with `cameras: "off"` nobody answers at the cameras' addresses. */
export async function startSite(name: string, options: { cameras: "on" | "off"; holders?: "none" }): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "louver-e2e-"));
  const running: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    // The recorder first: it closes its files before its cameras go away.
    for (const child of running.reverse()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    let rtsp: string | null = null;
    if (options.cameras === "on") {
      const started = await cameras();
      running.push(started.child);
      rtsp = (started.said[1] ?? "").replace(/\/$/, "");
    }
    const key = join(folder, "holder.txt");
    const told = execFileSync(BINARY, ["holder", "new", "-o", key], { encoding: "utf8", cwd: folder });
    const recipient = /holder1[0-9a-z]+/.exec(told + readFileSync(key, "utf8"))?.[0] ?? "";
    const file = join(folder, "louver.toml");
    writeFileSync(file, settings(`127.0.0.1:${String(await freePort())}`, options.holders === "none" ? null : recipient, rtsp), { mode: 0o600 });
    const louver = await start(name, BINARY, ["serve", "--settings", file], /(http:\/\/\S+)\/sign-in#token=\S+/);
    running.push(louver.child);
    return {
      address: louver.said[1] ?? "",
      firstLink: louver.said[0],
      holderFile: readFileSync(key, "utf8"),
      newLink: () =>
        execFileSync(BINARY, ["link", "--settings", file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim(),
      stop,
    };
  } catch (problem) {
    await stop();
    throw problem;
  }
}
