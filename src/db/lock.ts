import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Keeps a folder of embedded files for this process: two writers would destroy them.
 * @returns gives it back
 * @throws Error naming the process that holds it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "process.lock");
  try {
    await writeFile(path, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const holder = Number(await readFile(path, "utf8"));
    if (holder !== process.pid && isRunning(holder)) {
      throw new Error(
        `${folder} is in use by process ${holder}. Embedded data belongs to one process: stop that one, choose another DATA_DIR, or set DATABASE_URL to share a Postgres server.`,
      );
    }
    // Left behind by a process that was killed.
    await writeFile(path, String(process.pid));
  }
  return () => rm(path, { force: true });
}

/** The process that holds the folder, if one does. */
export async function lockHolder(folder: string): Promise<number | null> {
  try {
    const holder = Number(await readFile(join(folder, "process.lock"), "utf8"));
    return isRunning(holder) ? holder : null;
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
