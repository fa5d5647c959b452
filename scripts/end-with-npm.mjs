const LOOK_EVERY_MS = 250;

/**
 * Makes SIGTERM to `npm start` reach this process. npm hands the signal to the shell between the two, and a shell that
 * does not replace itself by its only command, as Debian's, dies of it and leaves the command behind. So under npm the
 * end of the shell counts as SIGTERM, unless a signal came already. Without npm, and on Windows, it does nothing.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM');
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
