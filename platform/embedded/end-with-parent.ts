// Loaded before the program of every child of the embedded stack: when the process that started it is gone,
// however that died, the child ends too, in its own order. Otherwise it would hold ports and go on paging.

/** After this an end that hangs, because what it waits for is gone as well, is forced. */
const LIMIT_MS = 20_000;

const end = (): void => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LIMIT_MS).unref();
  process.kill(process.pid, 'SIGTERM');
};

if (process.channel) {
  process.once('disconnect', end);
  // The channel alone must not keep a program alive that has done its work.
  process.channel.unref();
  if (!process.connected) end();
}
