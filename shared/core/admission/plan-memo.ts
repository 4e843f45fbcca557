import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import {
  type AskedSecret,
  injectionsOf,
  orDenial,
  type PlannedRequests,
  type PlanSteps,
  planRequests,
} from './planned-requests.ts';

/** What a memo may hold, bytes; a plan of two secrets is charged 50 KiB, and takes 13. */
const mostBytesByDefault = 32 * 1_024 * 1_024;
/**
 * What a plan is charged: its fixed part, its key, and what its steps have made. A step renders 16 characters of a recipe or puts
 * a fifth of a path's segment into a tree, and what is rendered stands in the plan, and as JSON, in two bytes a character.
 */
const planBytes = 8_192;
const bytesPerKeyCharacter = 4;
const bytesPerStep = 64;

/**
 * Requests of which is known that they came once: fewer than plans of 50 secrets fit, so that those which never come again
 * take no place of one that does, and nothing of them stays.
 */
const mostNewcomers = 64;
/** Longer keys than that of a pod with 256 secrets are never kept. */
const longestKey = 131_072;

type Plan = Extract<PlannedRequests, { steps: PlanSteps }>;

interface Remembered {
  planned: Plan;
  bytes: number;
}

/**
 * Remembers the plans of requests that come again: a thousand pods of one map task ask for the same. It changes
 * no answer, for a plan depends on nothing but the requests, the caller and the rules; with rules that are stale it does on
 * time, and with a sealed value on what must not be kept, so these are planned each time.
 */
export class PlanMemo {
  readonly #mostBytes: number;
  /** By request, the longest kept first. */
  readonly #plans = new Map<string, Remembered>();
  /** By request, the one that came first. */
  readonly #newcomers = new Set<string>();
  #bytes = 0;
  #hits = 0;
  /** What the plans were made of. */
  #index: Rules['index'] | undefined;
  #indexVersion = 0;
  #chain: Rules['chain'] | undefined;

  constructor(mostBytes = mostBytesByDefault) {
    this.#mostBytes = mostBytes;
  }

  /** Does what {@link planRequests} does, at the same price in steps. */
  readonly plan: typeof planRequests = (asked, caller, rules, budget) => {
    if (rules.chain.some((manager) => rules.isStale(manager)))
      return planRequests(asked, caller, rules, budget);
    this.#follow(rules);
    const key = keyOf(asked, caller);
    const known = this.#plans.get(key);
    if (known !== undefined) {
      this.#hits += 1;
      return again(known.planned, budget);
    }
    const planned = planRequests(asked, caller, rules, budget);
    if (isKept(planned) && this.#cameBefore(key)) this.#keep(key, planned);
    return planned;
  };

  /** How many plans were remembered so far. */
  get hits(): number {
    return this.#hits;
  }

  /** Forgets everything when the rules have changed. */
  #follow({ index, chain }: Rules): void {
    const version = index.version();
    if (this.#index === index && this.#indexVersion === version && this.#chain === chain) return;
    this.#plans.clear();
    this.#newcomers.clear();
    this.#bytes = 0;
    this.#index = index;
    this.#indexVersion = version;
    this.#chain = chain;
  }

  /** Tells whether a request is one of the newcomers, and makes it one otherwise. */
  #cameBefore(key: string): boolean {
    if (this.#newcomers.delete(key)) return true;
    if (key.length > longestKey) return false;
    this.#newcomers.add(key);
    const [first = ''] = this.#newcomers;
    if (this.#newcomers.size > mostNewcomers) this.#newcomers.delete(first);
    return false;
  }

  #keep(key: string, planned: Plan): void {
    const { decide, join } = planned.steps;
    const bytes = planBytes + key.length * bytesPerKeyCharacter + (decide + join) * bytesPerStep;
    if (bytes > this.#mostBytes) return;
    this.#plans.set(key, { planned, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#plans) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#plans.delete(oldest);
      this.#bytes -= freed;
    }
  }
}

/** Gives a plan for what it has cost, and fails where making it would. */
function again(planned: Plan, budget: WorkBudget): PlannedRequests {
  budget.spend(planned.steps.decide);
  return orDenial(planned.decided, () => {
    budget.spend(planned.steps.join);
    return planned;
  });
}

/** A denial tells of what is near, and of how long ago somebody was heard. */
const isKept = (planned: PlannedRequests): planned is Plan =>
  'plan' in planned && injectionsOf(planned.decided).every(({ isSealed }) => !isSealed);

/** Joins all that a plan depends on besides the rules. Each has its length, so that no two requests make one key. */
function keyOf(
  asked: readonly AskedSecret[],
  { namespace, serviceAccount, project, domain }: Caller,
): string {
  let key = '';
  for (const text of [namespace, serviceAccount, project, domain]) key += part(text);
  for (const { annotation, value } of asked) key += part(annotation) + part(value);
  return key;
}

const part = (text: string | undefined): string => (text === undefined ? '-' : `${text.length}:${text}`);
