import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Terminal } from '#cli/command.ts';
import { runCommandLine } from '#cli/command-line.ts';
import { systemClock } from '#shared/runtime/clock.ts';

/** What the program had printed when it ended. */
export interface CommandResult {
  code: number;
  output: string;
  errors: string;
}

/** Runs the command line in this process, with nothing of its environment. */
export async function runLatchkey(
  args: readonly string[],
  terminal: Partial<Omit<Terminal, 'output' | 'errors' | 'input'>> & {
    input?: string | readonly Buffer[];
    /** Sees each piece of the output as it is written. */
    onOutput?: (piece: string) => void;
  } = {},
): Promise<CommandResult> {
  const { input = '', onOutput, ...rest } = terminal;
  const [output, errors] = [new PassThrough(), new PassThrough()];
  if (onOutput !== undefined) output.on('data', (piece: Buffer) => onOutput(piece.toString('utf8')));
  const [shown, complained] = [text(output), text(errors)];
  const code = await runCommandLine(args, {
    input: Readable.from(typeof input === 'string' ? [Buffer.from(input)] : input),
    output,
    errors,
    environment: {},
    clock: systemClock,
    onInterrupt: () => new AbortController().signal,
    ...rest,
  });
  output.end();
  errors.end();
  return { code, output: await shown, errors: await complained };
}
