import type { AppliedSet } from '#shared/bus/read/reader.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import type { SlicedWork } from '#shared/runtime/turn-queue.ts';

/** Where the rules go that a gateway reads: into this process, or into its workers. */
export interface RuleSink {
  /** Whether the records in force are handed on later, too: without it their bytes are not kept. */
  readonly readsAgain: boolean;
  /** Makes a set ready in slices; what it returns puts it in force, in one step. */
  prepare(set: AppliedSet): SlicedWork<() => void>;
  /** Lets go of the rules of every manager but these. */
  keep(managers: readonly string[]): void;
  /** Takes a resolver's heartbeat, which says how fresh its rules are. */
  heard(heartbeat: Heartbeat): void;
  /** Gives, of the versions that were read, those by which admissions are decided. */
  inForce(read: readonly SetVersion[]): SetVersion[];
  /** Tells whether the rules of a manager in force can be applied: a first recipe may have been refused. */
  isUsable(manager: string): boolean;
}
