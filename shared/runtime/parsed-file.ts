import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { watchFiles } from './file-watch.ts';

/**
 * Follows a file that was loaded as `current`. A changed file that is wrong keeps the value in force and says so; one
 * that means the same changes nothing.
 * @param options.parse reads the text, undefined when the file is gone; gives undefined for nothing to change, and throws
 *   for what cannot be used
 * @param options.messages what the log says of a change and of a refusal
 * @returns a function that stops it
 */
export function followParsedFile<T>(options: {
  path: string;
  current: T;
  parse: (text: string | undefined) => T | undefined;
  messages: { changed: string; refused: string };
  clock: Clock;
  log: Logger;
  onChange: (value: T) => void;
}): () => void {
  const { path, messages, clock, log } = options;
  let current = options.current;
  return watchFiles({
    paths: [path],
    initial: new Map(),
    clock,
    onChange: (contents) => {
      try {
        const next = options.parse(contents.get(path)?.toString('utf8'));
        if (next === undefined || isDeepStrictEqual(current, next)) return;
        current = next;
        log.info({ path }, messages.changed);
        options.onChange(next);
      } catch (err) {
        log.error({ err, path }, messages.refused);
      }
    },
  });
}
