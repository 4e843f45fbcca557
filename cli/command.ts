import type { Readable } from 'node:stream';
import type { ParseArgsConfig } from 'node:util';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Printer } from './printer.ts';

/** What a command may touch of the process. */
export interface Terminal {
  input: Readable;
  output: Printer;
  errors: Printer;
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** From the call on the first Ctrl-C aborts the signal instead of ending the program. */
  onInterrupt(): AbortSignal;
}

export interface Values {
  [option: string]: string | boolean | undefined;
}

/** One command of the program. `run` returns the exit code. */
export interface Command {
  /** Whole text of `--help`. */
  help: string;
  options: NonNullable<ParseArgsConfig['options']>;
  run(terminal: Terminal, values: Values, positionals: string[]): Promise<number>;
}

/** The command line itself is wrong: exit code 2 and a pointer to `--help`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const exitCodes = {
  done: 0,
  /** explain: the pod is denied. Any command: the input is wrong. */
  refused: 1,
  usage: 2,
  /** rotate: another rotation took the place of ours. */
  superseded: 3,
  /** status: nothing is wrong in what could be seen, but not everything could. */
  unseen: 4,
  /** rotate: not done in time; it goes on. */
  timedOut: 124,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export const exitCodesHelp = `Exit codes:
  0  done; explain: the pod is admitted
  1  explain: the pod is denied; any command: a file or value is invalid
  2  the command line is invalid
`;
