// What the tests of degradation share: a disk of a known size, a limit set from outside on the
// running program, and patience that is about contents, not time.
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The long form: `./check --degrade`. */
export const LONG = process.env.RAPPORT_DEGRADE === 'long';
/** For the tests that `./check` leaves out, to be quick, and `./check degrade` does not. */
export const shown = process.env.RAPPORT_DEGRADE ? false : 'shown by ./check degrade';

/** Freed memory goes back at once, so that what a process holds can be measured in every build. */
export const FRUGAL = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1` };

/** Runs a program of the system; throws with its words. */
export const system = (program, ...args) => run(program, args, { timeout: 60_000 });

/** A folder on a file system of its own, or null where this user may not mount one. */
export class Disk {
  static async make(megabytes) {
    const disk = new Disk();
    disk.folder = await mkdtemp(join(tmpdir(), 'rapport-disk-'));
    try {
      await system('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'rapport', disk.folder);
      return disk;
    } catch {
      await rm(disk.folder, { recursive: true });
      return null;
    }
  }

  get ballast() {
    return join(this.folder, 'ballast');
  }

  /** Fills what is left. */
  async fill() {
    const file = await open(this.ballast, 'w');
    const piece = Buffer.alloc(1 << 16, 'x');
    for (let step = piece.length; step >= 512; step >>= 1) {
      try {
        for (;;) await file.write(piece, 0, step);
      } catch (e) {
        if (e.code !== 'ENOSPC') throw e;
      }
    }
    await file.close();
  }

  free() {
    return unlink(this.ballast);
  }

  async left() {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  async remove() {
    await system('umount', '-l', this.folder);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Changes a limit of the running program; false where that is not possible. */
export async function limit(pid, name, value) {
  try {
    await system('prlimit', '--pid', String(pid), `--${name}=${value}:`);
    return true;
  } catch {
    return false;
  }
}

/** Asks until it holds. */
export async function until(what, holds, { tries = 600, pause = 100 } = {}) {
  let last;
  for (let i = 0; i < tries; i++) {
    last = await holds();
    if (last) return last;
    await new Promise((done) => setTimeout(done, pause));
  }
  throw new Error(`it never came: ${what}`);
}

/** How much memory the process holds, in MiB. */
export async function memory(pid) {
  const { stdout } = await system('grep', 'VmRSS', `/proc/${pid}/status`);
  return Number(/(\d+) kB/.exec(stdout)[1]) / 1024;
}

/** How many lines of the log say it. */
export const told = (server, pattern) =>
  server.log.split('\n').filter((line) => pattern.test(line)).length;
