import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * What a process that follows the rules as a gateway does may be asked for. With `pack`, `start` and `publish` it does what
 * discovery, a gateway that starts and a resolver do with as many.
 */
export type RulesRequest =
  | { kind: 'rest' | 'fill' | 'audit' | 'pack' | 'start' }
  | { kind: 'publish'; entries: number }
  | { kind: 'expect'; namespace: string; lookupKey: string }
  | { kind: 'look up'; namespaces: readonly string[]; lookupKeys: readonly string[] };

/** What a request cost the process. */
export interface RulesPhase {
  ms: number;
  cpuMs: number;
  /** Longest turn of the event loop, ms. */
  blockMs: number;
  /** Most processor time of one turn, ms, which a busy machine does not change. */
  turnCpuMs: number;
  /** Resident memory at its end, MiB, and after a collection that. */
  peakMib: number;
  residentMib: number;
  /** Objects and what they have outside of the heap, MiB. */
  heapMib: number;
  lookupNs: number;
}

/** A process of its own that follows the rules as a gateway does, and nothing else. */
export interface RulesFollower {
  ask(request: RulesRequest): Promise<RulesPhase>;
  stop(): Promise<void>;
}

/** @param options address of the server, folders with the credentials of a gateway and of the resolver of aws, and options of Node */
export async function startRulesFollower(options: {
  url: string;
  credentials: string;
  resolver: string;
  nodeOptions: readonly string[];
}): Promise<RulesFollower> {
  const { url, credentials, resolver, nodeOptions } = options;
  const program = join(import.meta.dirname, 'rules-process.ts');
  const child = fork(program, [url, credentials, resolver], { execArgv: [...nodeOptions] });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => Promise.reject(new Error(`the process ended with code ${code}`)));
  ended.catch(() => undefined);
  await Promise.race([once(child, 'message'), ended]);
  return {
    async ask(request) {
      const answered = once(child, 'message');
      child.send(request);
      const [phase] = await Promise.race([answered, ended]);
      return phase as RulesPhase;
    },
    async stop() {
      child.disconnect();
      await exited;
    },
  };
}
