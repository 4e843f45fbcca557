import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { version } from '#shared/runtime/version.ts';
import { type Command, exitCodes, exitCodesHelp, type Terminal, UsageError } from './command.ts';
import { createPrinter } from './printer.ts';

/** Loads each command on demand, because cluster commands import a Kubernetes client. */
const commands = new Map<string, { summary: string; load(): Promise<Command> }>(
  Object.entries({
    explain: {
      summary: 'shows offline how the webhook would answer a pod',
      load: async () => (await import('#cli/explain/explain-command.ts')).explainCommand,
    },
    encode: {
      summary: 'encodes a secret request as an annotation value',
      load: async () => (await import('./annotation-commands.ts')).encodeAnnotationCommand,
    },
    decode: {
      summary: 'decodes the secret request of an annotation value',
      load: async () => (await import('./annotation-commands.ts')).decodeAnnotationCommand,
    },
    config: {
      summary: "prints the JSON Schema of latchkey.yaml, or imports Flyte's configuration",
      load: async () => (await import('#cli/config/config-command.ts')).configCommand,
    },
    recipe: {
      summary: 'validates and describes a recipe',
      load: async () => (await import('#cli/recipe/recipe-command.ts')).recipeCommand,
    },
    status: {
      summary: 'lists the faults of an installation and their remediation',
      load: async () => (await import('./status/status-command.ts')).statusCommand,
    },
    rotate: {
      summary: 'rotates the CA or the serving certificate without a failed admission',
      load: async () => (await import('./rotation/rotate-command.ts')).rotateCommand,
    },
    'init-certs': {
      summary: 'creates the CA and the serving certificate if they are missing',
      load: async () => (await import('./init-certs/init-certs-command.ts')).initCertsCommand,
    },
  }),
);

export const commandNames: readonly string[] = [...commands.keys()];

const help = `Usage: latchkey <command> [options]

Commands:
${Array.from(commands, ([name, { summary }]) => `  ${name.padEnd(12)}${summary}\n`).join('')}
latchkey <command> --help shows the options of a command, latchkey --version the version.

${exitCodesHelp}`;

/** What the process gives to the program: a terminal of which nothing is kept from obeying what it is sent. */
export type RawTerminal = Omit<Terminal, 'output' | 'errors'> & { output: Writable; errors: Writable };

/** Runs one command line (without the program's name) and returns its exit code. */
export async function runCommandLine(args: readonly string[], raw: RawTerminal): Promise<number> {
  const terminal = { ...raw, output: createPrinter(raw.output), errors: createPrinter(raw.errors) };
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.output.text(help);
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  if (name === '--version') {
    terminal.output.line(`latchkey ${version}`);
    return exitCodes.done;
  }
  try {
    const command = commands.get(name);
    if (command === undefined) throw new UsageError(`there is no command "${name}"`);
    return await runCommand(await command.load(), rest, terminal);
  } catch (error) {
    return report(error, terminal, commands.has(name) ? `latchkey ${name}` : 'latchkey');
  }
}

async function runCommand(command: Command, args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { ...command.options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    terminal.output.text(command.help);
    return exitCodes.done;
  }
  return await command.run(terminal, values as Record<string, string | boolean | undefined>, positionals);
}

function report(error: unknown, { errors }: Terminal, program: string): number {
  if (!(error instanceof Error)) throw error;
  const code = 'code' in error ? String(error.code) : '';
  // Treats a closed pipe (`| head`) as success: no reader is left.
  if (code === 'EPIPE') return exitCodes.done;
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
    errors.text(`${program}: ${indented(error.message)}; see ${program} --help`);
    return exitCodes.usage;
  }
  if (!(error instanceof LatchkeyError)) throw error;
  errors.text(`${program}: ${error.code}: ${indented(error.message)}`);
  return exitCodes.refused;
}

/** No line of a message, which may repeat a foreign text, passes for one of the program. */
const indented = (message: string): string => message.replace(/\n(?! )/g, '\n  ');
