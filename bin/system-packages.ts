import { execFile, spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { findAsterisk } from "./asterisk.ts";

const run = promisify(execFile);
const repository = path.resolve(import.meta.dirname, "..");
const APT_TIMEOUT_MS = 10 * 60_000;
const ASTERISK_TIMEOUT_MS = 20 * 60_000;
const TRIES_MAX = 2;

/** A program or a font that is not an npm package, and the Debian package that brings it. */
interface SystemPart {
  readonly name: string;
  readonly debianPackage: string;
  readonly what: string;
  readonly isThere: () => boolean;
}

/** Where Debian keeps its fonts; which package owns which folder below changes with the release. */
const FONT_FOLDER = "/usr/share/fonts";
const CLOCK = { name: "libfaketime", debianPackage: "libfaketime", what: "a clock that a test can set" };

const FOR_TESTS: readonly SystemPart[] = [
  program("sipp", { debianPackage: "sip-tester", what: "calls of the telephony tests" }),
  program("chromium", { debianPackage: "chromium", what: "browser of the page tests" }),
  { ...CLOCK, isThere: () => globSync("/usr/lib/*/faketime/libfaketime.so.1").length > 0 },
  program("php", { debianPackage: "php-cli", what: "shops and web service clients in PHP" }),
  file("soap.so", { at: "/usr/lib/php/*/soap.so", debianPackage: "php-soap", what: "PHP's SoapClient" }),
  file("dom.so", { at: "/usr/lib/php/*/dom.so", debianPackage: "php-xml", what: "XML in PHP" }),
  program("python3", { debianPackage: "python3", what: "shops and web service clients in Python" }),
  file("SOAP::Lite", {
    at: "/usr/share/perl5/SOAP/Lite.pm",
    debianPackage: "libsoap-lite-perl",
    what: "Perl's SOAP::Lite",
  }),
  file("XML::LibXML", {
    at: "/usr/lib/*/perl5/*/XML/LibXML.pm",
    debianPackage: "libxml-libxml-perl",
    what: "XML in Perl",
  }),
  file("curl.so", { at: "/usr/lib/php/*/curl.so", debianPackage: "php-curl", what: "PHP's curl" }),
  program("wine", { debianPackage: "wine", what: "runs the kit for ASP" }),
  file("wine64", { at: "/usr/lib/wine/wine64", debianPackage: "wine64", what: "Wine's Windows of 64 bits" }),
  font("LiberationSans-Regular.ttf", { debianPackage: "fonts-liberation", what: "what pages are measured in" }),
  font("DejaVuSans.ttf", { debianPackage: "fonts-dejavu-core", what: "a wide font that pages must fit in" }),
];

export interface SystemPackages {
  /** `simulated`: the built-in line simulator takes Asterisk's place. */
  readonly asterisk: "real" | "simulated";
  /** What is not there and could not be installed, in words. */
  readonly missing: readonly string[];
}

type Tell = (line: string) => void;

/**
 * Sees to what npm cannot install. As root on Debian what is missing is installed; elsewhere it is only named, because
 * nobody asked us to become root. `PHONE2PAY_ASTERISK=simulated` does without Asterisk.
 */
export async function ensureSystemPackages(which: "demo" | "test", tell: Tell): Promise<SystemPackages> {
  const missing: string[] = [];
  if (which === "test") missing.push(...(await ensureParts(FOR_TESTS, tell)));
  if (process.env.PHONE2PAY_ASTERISK === "simulated") return { asterisk: "simulated", missing };
  if (await ensureAsterisk(tell)) return { asterisk: "real", missing };
  return { asterisk: "simulated", missing: [...missing, "Asterisk 20 or newer (the telephone line)"] };
}

async function ensureParts(parts: readonly SystemPart[], tell: Tell): Promise<readonly string[]> {
  const absent = parts.filter(({ isThere }) => !isThere());
  if (absent.length > 0 && mayInstall()) {
    const packages = absent.map(({ debianPackage }) => debianPackage);
    tell(`installing ${packages.join(", ")} (Debian packages) …`);
    try {
      await retried(tell, async () => {
        await apt(["update"]);
        await apt(["install", "--yes", "--no-install-recommends", ...packages]);
      });
    } catch (error) {
      tell(`that failed: ${lastLine(error)}`);
    }
  }
  return absent
    .filter(({ isThere }) => !isThere())
    .map(({ name, debianPackage, what }) => `${name} (Debian package ${debianPackage}: ${what})`);
}

async function ensureAsterisk(tell: Tell): Promise<boolean> {
  if (await findAsterisk()) return true;
  if (!mayInstall()) return false;
  tell("installing Asterisk 22 below .cache/asterisk (about a minute, 600 MB) …");
  try {
    await retried(tell, () => shown(path.join(repository, "asterisk-config/install-asterisk.sh"), ASTERISK_TIMEOUT_MS));
  } catch (error) {
    tell(`that failed: ${lastLine(error)}`);
  }
  return (await findAsterisk()) !== null;
}

/** Root on Debian or a relative of it. */
function mayInstall(): boolean {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && onPath("apt-get");
}

type PackageOfPart = Pick<SystemPart, "debianPackage" | "what">;

function program(name: string, from: PackageOfPart): SystemPart {
  return { name, ...from, isThere: () => onPath(name) };
}

function font(name: string, from: PackageOfPart): SystemPart {
  return file(name, { at: `${FONT_FOLDER}/**/${name}`, ...from });
}

function file(name: string, { at, ...from }: PackageOfPart & { readonly at: string }): SystemPart {
  return { name, ...from, isThere: () => globSync(at).length > 0 };
}

function onPath(name: string): boolean {
  const places = (process.env.PATH ?? "").split(path.delimiter).filter(Boolean);
  return places.some((place) => existsSync(path.join(place, name)));
}

/** Mirrors fail for a moment now and then; what fails twice is not a matter of luck. */
async function retried(tell: Tell, attempt: () => Promise<void>): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= TRIES_MAX) throw error;
      tell(`that failed, trying once more: ${lastLine(error)}`);
    }
  }
}

async function apt(args: readonly string[]): Promise<void> {
  const options = [
    "-qq",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "Acquire::Retries=2",
    "-o",
    "Acquire::http::Timeout=30",
  ];
  await run("apt-get", [...options, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: APT_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
}

/** Runs a script whose own progress lines are worth seeing. */
function shown(program: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("sh", [program], { stdio: ["ignore", "inherit", "inherit"], timeout: timeoutMs });
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${path.basename(program)} ended with ${signal ?? code}`)),
    );
  });
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? (error as { stderr?: string }).stderr?.trim() || error.message : String(error);
  return text.split("\n").at(-1) ?? "";
}
