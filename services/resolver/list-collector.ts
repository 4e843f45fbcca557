import { mostKeyCharacters } from '#shared/bus/publish/desired-set.ts';
import { itemCostBytes } from '#shared/bus/records/cost.ts';
import { keyTokenLength } from '#shared/contracts/bus/key-token.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { truncate } from '#shared/core/text/plain-text.ts';
import { heaviestFolder } from './heaviest-folder.ts';
import type { ListedSecret, Listing } from './providers/provider.ts';
import { tombstoneCost } from './tombstone-cost.ts';

/** What a complete list lacks: how much, and names and reasons of the first. */
export interface LeftOut {
  count: number;
  names: string[];
}

interface CollectOptions {
  signal: AbortSignal;
  source: string;
  /** The complete list before; undefined when there is none. */
  former: ReadonlyMap<string, ListedSecret> | undefined;
  /** Most that the list may be charged, its folders as much again, and so the tombstones of what went. */
  mostBytes: number;
  /** Names that went lately, whose tombstones the rules bucket still holds. */
  gone: Iterable<string>;
}

/** Told of what is left out; all of it is counted. */
const mostNamed = 5;
const longestName = 200;
const longestReason = 300;

/**
 * Collects one list. A list that is charged more than it may be ends with SET_TOO_LARGE, and what was known before stays;
 * unless one folder alone has more than half of that. Then what lies below this folder stays as it was in the list before,
 * and all other names are taken: one tenant's excess ends nobody else's list.
 */
export class ListCollector implements Listing {
  readonly signal: AbortSignal;
  readonly #options: CollectOptions;
  readonly #listed = new Map<string, ListedSecret>();
  readonly #leftOut: LeftOut = { count: 0, names: [] };
  readonly #places: string[] = [];
  /** Folders below which everything is as it was before. */
  readonly #kept: string[] = [];
  #folders: [path: string, cost: number][] = [];
  #folderBytes = 0;
  #listedBytes = 0;
  /** Where the list has come to. */
  #at = '';

  constructor(options: CollectOptions) {
    this.signal = options.signal;
    this.#options = options;
  }

  readonly enter = (place: string): void => {
    this.#places.push(place);
    this.#at = place;
  };

  readonly charge = (folder: string): void => {
    const cost = folderCost(folder);
    this.#folders.push([folder, cost]);
    this.#folderBytes += cost;
    this.#relieve();
  };

  readonly wants = (path: string): boolean => {
    this.#at = path;
    return !this.#kept.some((folder) => path.startsWith(folder));
  };

  readonly leaveOut = (what: string, why: string): void => {
    this.#leftOut.count += 1;
    if (this.#leftOut.names.length >= mostNamed) return;
    this.#leftOut.names.push(`${what.slice(0, longestName)}: ${why.slice(0, longestReason)}`);
  };

  readonly keepFormer = (folder: string, why: string): void => {
    const { former } = this.#options;
    if (former === undefined) throw this.#tooLarge(`below ${told(folder)}, ${why}`);
    this.#kept.push(folder);
    this.leaveOut(folder, `what it had in the list before stays: ${why}`);
    for (const secret of this.#listed.keys()) if (secret.startsWith(folder)) this.#put(secret, undefined);
    for (const [secret, found] of former) if (secret.startsWith(folder)) this.#put(secret, found);
    this.#folders = this.#folders.filter(([path]) => !path.startsWith(folder));
    this.#folderBytes = this.#folders.reduce((sum, [, cost]) => sum + cost, 0);
    this.#relieve();
  };

  take(found: ListedSecret): void {
    const { secret } = found;
    if (secret === '') this.leaveOut('', 'it has no name');
    else if (keyTokenLength(secret) > longestToken) this.leaveOut(secret, 'its name is too long for the bus');
    else if (this.wants(secret)) {
      this.#put(secret, found);
      this.#relieve();
    }
  }

  /**
   * Holds back what goes, where that and what went lately leave too many tombstones: names that come and go would fill the
   * bucket of all managers. Whatever goes may go where nothing went lately, so that a list of all new names has its day.
   */
  holdBackGone(): void {
    const went = sumOf([...this.#options.gone].filter((secret) => !this.#listed.has(secret)));
    if (went === 0) return;
    for (;;) {
      const going = [...(this.#options.former?.keys() ?? [])].filter((secret) => !this.#listed.has(secret));
      const sum = sumOf(going);
      if (going.length === 0 || went + sum <= this.#options.mostBytes) return;
      const costs = going.map((secret): [string, number] => [secret, tombstoneCost(secret)]);
      const folder = heaviestFolder(costs, { within: this.#places, moreThan: sum / 2 });
      if (folder === undefined) throw this.#tooLarge(`names come and go, ${this.progress()}`);
      this.keepFormer(folder, 'more names went than limits.managerMiB allows in 11 minutes');
    }
  }

  collected(): { listed: Map<string, ListedSecret>; leftOut: LeftOut } {
    return { listed: this.#listed, leftOut: this.#leftOut };
  }

  /** Says how far the list has come. */
  progress(): string {
    return `it had come to ${told(this.#at)} with ${this.#listed.size} secrets and ${this.#folders.length} folders`;
  }

  #put(secret: string, found: ListedSecret | undefined): void {
    const before = this.#listed.get(secret);
    if (before !== undefined) this.#listedBytes -= secretCost(before);
    if (found === undefined) this.#listed.delete(secret);
    else {
      this.#listed.set(secret, found);
      this.#listedBytes += secretCost(found);
    }
  }

  #relieve(): void {
    const { mostBytes } = this.#options;
    if (this.#folderBytes > mostBytes) this.#keepHeaviest(this.#folders);
    if (this.#listedBytes <= mostBytes) return;
    this.#keepHeaviest(
      [...this.#listed].map(([secret, found]): [string, number] => [secret, secretCost(found)]),
    );
  }

  #keepHeaviest(costs: readonly [path: string, cost: number][]): void {
    const within = this.#places;
    const { mostBytes } = this.#options;
    const folder = heaviestFolder(costs, { within, moreThan: mostBytes / 2 });
    if (folder === undefined || this.#kept.includes(folder)) throw this.#tooLarge(this.progress());
    this.keepFormer(folder, 'more than half of limits.managerMiB lies there');
  }

  #tooLarge(what: string): LatchkeyError {
    const { source, mostBytes } = this.#options;
    return new LatchkeyError(
      'SET_TOO_LARGE',
      `The list of ${source} is charged more than ${mostBytes} bytes, and what is in force stays: ${what}. Look for who has so many names there, or raise limits.managerMiB`,
      { fields: { source, mostBytes, place: this.#at.slice(0, longestName) } },
    );
  }
}

const sumOf = (secrets: readonly string[]): number =>
  secrets.reduce((sum, secret) => sum + tombstoneCost(secret), 0);

/** Of a key of the bus, what the owner's name and the dots leave. */
const longestToken = mostKeyCharacters - 100;

const told = (path: string): string => `"${truncate(path, longestName)}"`;

/** A record's headers, braces and names of fields: what readers charge for its rule besides the names (cost.ts). */
const recordBytes = 350;
const itemBytes = itemCostBytes + 8;
const folderBytes = 200;

const folderCost = (path: string): number => folderBytes + path.length;

/** About what readers will charge for the rule that is made of it. */
function secretCost({ secret, keys }: ListedSecret): number {
  const name = Buffer.byteLength(secret);
  const items = keys.reduce((sum, key) => sum + name + Buffer.byteLength(key) + itemBytes, 0);
  return recordBytes + keyTokenLength(secret) + (items === 0 ? name + itemBytes : items);
}
