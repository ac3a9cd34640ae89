import { type PartName } from './settings.js';

/** The time a start has. It stands still while a part changes its tables: nobody can say how long that takes. */
export function startDeadline(ms: number) {
  const over = new AbortController();
  const migrating = new Set<PartName>();
  let leftMs = ms;
  let since = 0;
  let timer: NodeJS.Timeout;
  const run = () => {
    since = performance.now();
    timer = setTimeout(() => over.abort(), leftMs).unref();
  };
  const stand = () => {
    clearTimeout(timer);
    leftMs -= performance.now() - since;
  };
  run();
  return {
    signal: over.signal,
    migrating: (part: PartName, begins: boolean): void => {
      const stood = migrating.size > 0;
      if (begins) migrating.add(part);
      else migrating.delete(part);
      const stands = migrating.size > 0;
      if (stands && !stood) stand();
      if (stood && !stands) run();
    },
  };
}
