import process from 'node:process';
import { runFuzzCommand } from './fuzz-command.ts';

process.exitCode = await runFuzzCommand(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
});
