// Runs an npm script of this workspace, after installing what is missing from
// the lockfile. Plain JavaScript without dependencies: it is the first thing a
// fresh clone runs, on whatever Node is there (20 or later). The scripts it
// starts find the workspace's own Node first on their path.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, "node_modules", ".troupe-lock")
const [script, ...args] = process.argv.slice(2)

/** Identifies the lockfile and the platform that its install was made for. */
function fingerprint() {
  const lock = readFileSync(join(root, "package-lock.json"))
  return createHash("sha256").update(lock).update(process.platform).update(process.arch).digest("hex")
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint() &&
    existsSync(join(root, "node_modules", ".bin", "node"))
}

const npm = process.env.npm_execpath
const [command, prefix] = npm === undefined ? ["npm", []] : [process.execPath, [npm]]

if (!isInstalled()) {
  process.stderr.write("Installing dependencies from package-lock.json ...\n")
  // Not `npm ci`: it refuses a lockfile without the optional binaries of every other platform, which only a registry
  // that has all of them can write. `--no-save` installs what the lockfile says, and leaves it alone.
  const install = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
  const installed = spawnSync(command, [...prefix, ...install], { cwd: root, stdio: ["ignore", 2, 2] })
  if (installed.status !== 0) {
    process.stderr.write("npm install failed: see the lines above\n")
    process.exit(installed.status ?? 1)
  }
  writeFileSync(stamp, fingerprint())
}

const child = spawn(command, [...prefix, "run", "--silent", script, "--", ...args], {
  cwd: root,
  stdio: "inherit",
  // Each thread loads the same modules: compiled once, they are there for all of them, and for the next run.
  env: { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "troupe"), ...process.env }
})
// A terminal sends Ctrl-C to the whole group; a signal sent to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal))
}
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 1 : constants.signals[signal]))
})
