import { parseArgs } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { decodeCommand, encodeCommand } from './annotation-commands.ts';
import { type Command, exitCodes, exitCodesHelp, type Terminal, UsageError } from './command.ts';
import { configCommand } from './config-import-command.ts';
import { explainCommand } from './explain-command.ts';
import { initCertsCommand } from './init-certs/init-certs-command.ts';
import { recipeCommand } from './recipe-command.ts';
import { rotateCommand } from './rotation/rotate-command.ts';
import { statusCommand } from './status/status-command.ts';

const commands = new Map<string, Command>([
  ['explain', explainCommand],
  ['encode', encodeCommand],
  ['decode', decodeCommand],
  ['config', configCommand],
  ['recipe', recipeCommand],
  ['status', statusCommand],
  ['init-certs', initCertsCommand],
  ['rotate', rotateCommand],
]);

const help = `Usage: latchkey <command> [options]

Commands:
${Array.from(commands, ([name, { summary }]) => `  ${name.padEnd(12)}${summary}\n`).join('')}
latchkey <command> --help tells more.

${exitCodesHelp}`;

/** Runs one command line (without the program's name) and returns its exit code. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.output.write(help);
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  try {
    const command = commands.get(name);
    if (command === undefined) throw new UsageError(`there is no command "${name}"`);
    return await runCommand(command, rest, terminal);
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
    terminal.output.write(command.help);
    return exitCodes.done;
  }
  return await command.run(terminal, values as Record<string, string | boolean | undefined>, positionals);
}

function report(error: unknown, { errors }: Terminal, program: string): number {
  if (!(error instanceof Error)) throw error;
  const code = 'code' in error ? String(error.code) : '';
  // The reader of our output went away (`| head`): nobody is left to be told.
  if (code === 'EPIPE') return exitCodes.done;
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
    errors.write(`${program}: ${error.message}; see ${program} --help\n`);
    return exitCodes.usage;
  }
  if (!(error instanceof LatchkeyError)) throw error;
  errors.write(`${program}: ${error.code}: ${error.message}\n`);
  return exitCodes.refused;
}
