import process from 'node:process';
import { runWorker } from './run-worker.ts';

await runWorker(process);
