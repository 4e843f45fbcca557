import pino from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { askChain } from '#shared/core/rules/chain.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { ManagerAnswer } from '#shared/core/rules/manager-answer.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { aListing } from '#testkit/providers/a-listing.ts';
import { followProvider } from '../../services/resolver/follow-provider.ts';
import type { ListedSecret, Provider } from '../../services/resolver/providers/provider.ts';

const staleAfterMs = 300;

/**
 * What a gateway would answer while a resolver asks a provider every 20 ms, without the bus between them. A manager is
 * stale when its list is late by 300 ms.
 */
export function followInMemory(manager: Manager, config: LatchkeyConfig, provider: Provider) {
  const index = createRuleIndex();
  const { name } = manager;
  const recipe: RecordChange = { key: { owner: name, kind: 'recipe' }, value: manager.recipe(config) };
  const ruleOf = ({ key, value }: RecordChange): RecordChange => ({
    key,
    value: value === undefined ? undefined : manager.entry(inventoryEntrySchema.parse(value), config)?.entry,
  });
  const inventory = followProvider(
    { provider, refreshMs: 20 },
    {
      source: name,
      mostBytes: config.limits.managerMiB * 1_024 * 1_024,
      log: pino({ level: 'silent' }),
      clock: systemClock,
      onList: (changes) => void index.apply(name, [recipe, ...changes.map(ruleOf)]),
    },
  );
  return {
    stop: inventory.stop,
    /** The manager's answer to a request for a file. */
    ask: (asked: { group: string; key?: string; groupVersion?: string }): ManagerAnswer | undefined => {
      const request: SecretRequest = { key: '', groupVersion: '', envVar: '', mountRequirement: 2, ...asked };
      const rules = {
        index,
        chain: [name],
        namespaces: { names: [] },
        skippedContainers: [],
        isStale: () => inventory.overdueMs() > staleAfterMs,
        ageMs: inventory.overdueMs,
      };
      return askChain(request, { namespace: 'team', serviceAccount: 'default' }, rules)[0];
    },
  };
}

/** One complete list. */
export async function listAll(provider: Provider, leftOut: string[] = []): Promise<ListedSecret[]> {
  const listed: ListedSecret[] = [];
  const leaveOut = (what: string): void => void leftOut.push(what);
  for await (const secret of provider.listSecrets(aListing({ leaveOut }))) listed.push(secret);
  return listed;
}

/** Waits until the manager answers so. */
export async function until(
  held: ReturnType<typeof followInMemory>,
  asked: Parameters<typeof held.ask>[0],
  answer: ManagerAnswer['kind'],
): Promise<void> {
  await waitFor(() => held.ask(asked)?.kind === answer, {
    timeoutMs: 20_000,
    what: `the answer to ${JSON.stringify(asked)} to be "${answer}"`,
  });
}
