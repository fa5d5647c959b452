import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 250;

/**
 * Makes SIGTERM to `npm start`, and its death, reach this process. npm hands the signal to the shell between the two, and a
 * shell that does not replace itself by its only command, as Debian's, dies of it and leaves the command behind; npm that is
 * killed leaves both. So under npm the end of the shell, or of the npm above it, counts as SIGTERM, unless a signal came
 * already. Without npm, and on Windows, it does nothing; nor in a terminal that some npx began, whose programs all inherit
 * npm's variables.
 */
export function endWithNpm() {
  const isScript = ['start', 'demo'].includes(process.env.npm_lifecycle_event ?? '');
  if (!isScript || process.platform === 'win32') return;
  const parent = process.ppid;
  const npm = isShell(parent) ? parentOf(parent) : null;
  const timer = setInterval(() => {
    // Where /proc cannot be read, as without a free file descriptor, nothing is known of npm.
    const above = npm === null ? null : parentOf(parent);
    const isLeft = process.ppid !== parent || (above !== null && above !== npm);
    if (isLeft) process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  timer.unref();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      clearInterval(timer);
      // Before the program listens itself, the signal does what it does to any process.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

/** Whether a process is a shell; npm itself is none, and whatever is above it may end as it likes. */
function isShell(pid) {
  return /^(\w*sh)$/.test(procFile(pid, 'comm')?.trim() ?? '');
}

/** The parent of a process by proc(5), the second field behind the name in parentheses; null where there is no /proc. */
function parentOf(pid) {
  const stat = procFile(pid, 'stat');
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return null;
  }
}
