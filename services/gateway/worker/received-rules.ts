import { type ChangedRecord, createSetChanges } from '#shared/bus/read/set-changes.ts';
import { createFreshness, type SetVersion } from '#shared/bus/records/freshness.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type SlicedWork, TurnQueue } from '#shared/runtime/turn-queue.ts';
import type { RuleSink } from '../rules/rule-sink.ts';
import { machineMs } from '../workers/machine-ms.ts';
import type { SentRecord, ToWorker } from '../workers/to-worker.ts';

type RulesMessage = Extract<ToWorker, { kind: 'records' | 'set' | 'keep' | 'heard' }>;

interface ReceivedRulesOptions {
  sink: RuleSink;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Called when another set is in force. */
  onApplied: () => void;
  fail: (err: unknown) => void;
}

/** The rules as the primary sends them: sets in slices, put in force in its order. */
export class ReceivedRules {
  readonly #options: ReceivedRulesOptions;
  readonly #work = new TurnQueue();
  readonly #freshness = createFreshness();
  /** By manager, the slices whose set has not come yet. */
  readonly #slices = new Map<string, ChangedRecord[]>();
  readonly #applied = new Map<string, SetVersion>();

  constructor(options: ReceivedRulesOptions) {
    this.#options = options;
  }

  /** Gives the version of each manager's set in force. */
  applied(): SetVersion[] {
    return [...this.#applied.values()];
  }

  /** Tells how long ago the manager's rules were last confirmed, ms; Infinity when never. */
  ageMs(manager: string): number {
    return this.#freshness.ageMs(manager, this.#options.clock.monotonicMs());
  }

  receive(message: RulesMessage): void {
    if (message.kind === 'records') this.#collect(message.manager, message.records);
    else if (message.kind === 'set') this.#do(this.#apply(message, this.#takeSlices(message.owner)));
    else
      this.whenInForce(() => (message.kind === 'keep' ? this.#keep(message.managers) : this.#hear(message)));
  }

  /** Calls back once all that came before is in force. */
  whenInForce(then: () => void): void {
    this.#do(callback(then));
  }

  #do(work: SlicedWork): void {
    this.#work.run(work)?.catch(this.#options.fail);
  }

  #collect(manager: string, records: readonly SentRecord[]): void {
    const slices = this.#slices.get(manager) ?? [];
    this.#slices.set(manager, slices);
    for (const [key, bytes, trace = {}] of records) {
      slices.push([key, bytes === undefined ? undefined : { deleted: false, bytes, trace }]);
    }
  }

  #takeSlices(manager: string): ChangedRecord[] {
    const slices = this.#slices.get(manager) ?? [];
    this.#slices.delete(manager);
    return slices;
  }

  *#apply({ owner, epoch, seq }: SetVersion, records: readonly ChangedRecord[]): SlicedWork {
    const changes = createSetChanges(records);
    const putInForce = yield* this.#options.sink.prepare({ owner, epoch, seq, changes });
    putInForce();
    this.#applied.set(owner, { owner, epoch, seq });
    this.#options.onApplied();
  }

  #keep(managers: readonly string[]): void {
    for (const manager of this.#applied.keys())
      if (!managers.includes(manager)) this.#applied.delete(manager);
    this.#options.sink.keep(managers);
  }

  #hear(heard: Extract<ToWorker, { kind: 'heard' }>): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#freshness.heard(heard, this.applied(), nowMs - (machineMs() - heard.atMs));
  }
}

// biome-ignore lint/correctness/useYield: it is done in one slice.
function* callback(then: () => void): SlicedWork {
  then();
}
