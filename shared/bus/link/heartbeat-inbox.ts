import { KnownSenders } from './known-senders.ts';

/** So often those that wait have their turn, ms. */
const tickMs = 100;
/** Heartbeats heard in a tick, of all senders: 400 gateways send as many. */
export const heardPerTick = 20;
/** Processes of one service or manager that wait, besides those heard lately: its login names as many as it likes. */
const mostWaiting = 512;
/** Services and managers of which some wait. */
const mostGroups = 64;

type Hear = (data: Uint8Array, subject: string) => void;

/**
 * Hands heartbeats on, of each process one in a tick and of all no more than the reader has time for. What a process says
 * meanwhile waits, the newest alone; services and managers take turns, and whoever was heard lately keeps a place. So a
 * flood of one login costs the same whatever it sends, and silences neither other logins nor the processes that share it.
 */
export class HeartbeatInbox {
  readonly #hear: Hear;
  readonly #later: (run: () => void, delayMs: number) => void;
  /** By service or manager, the newest by subject. */
  readonly #waiting = new Map<string, Map<string, Uint8Array>>();
  readonly #heard = new Set<string>();
  readonly #known = new KnownSenders();
  #isTicking = false;

  /** @param later calls back once, after a time */
  constructor(hear: Hear, later: (run: () => void, delayMs: number) => void) {
    this.#hear = hear;
    this.#later = later;
  }

  /** Takes a message; its bytes are copied where they wait, since they are a view of much more. */
  take(data: Uint8Array, subject: string): void {
    if (this.#heard.size < heardPerTick && !this.#heard.has(subject)) this.#handOn(data, subject);
    else this.#keep(data, subject);
    this.#tickLater();
  }

  #handOn(data: Uint8Array, subject: string): void {
    this.#heard.add(subject);
    this.#known.noteHeard(groupOf(subject), subject);
    this.#hear(data, subject);
  }

  #keep(data: Uint8Array, subject: string): void {
    const sender = groupOf(subject);
    const group = this.#waiting.get(sender) ?? new Map<string, Uint8Array>();
    const hasRoom = group.size < mostWaiting && (group.size > 0 || this.#waiting.size < mostGroups);
    if (!hasRoom && !group.has(subject) && !this.#known.has(sender, subject)) return;
    group.set(subject, new Uint8Array(data));
    this.#waiting.set(sender, group);
  }

  #tickLater(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#later(() => this.#tick(), tickMs);
  }

  #tick(): void {
    this.#isTicking = false;
    this.#heard.clear();
    this.#known.nextTick();
    while (this.#heard.size < heardPerTick && this.#waiting.size > 0) this.#hearNext();
    if (this.#heard.size > 0) this.#tickLater();
  }

  /** Hears the one that waits longest of the group whose turn it is. */
  #hearNext(): void {
    for (const [sender, group] of this.#waiting) {
      // It goes to the end of the line.
      this.#waiting.delete(sender);
      const [next] = group;
      if (next === undefined) return;
      const [subject, data] = next;
      group.delete(subject);
      if (group.size > 0) this.#waiting.set(sender, group);
      this.#handOn(data, subject);
      return;
    }
  }
}

const groupOf = (subject: string): string => subject.slice(0, subject.lastIndexOf('.'));
