import type { SealedValue } from '#shared/contracts/bus/sealed-value.ts';
import type { RuleEntry } from '#shared/contracts/rules/rule-entry.ts';
import { type OpenValue, withSealedValue } from './sealed-value.ts';

/** The variables of an item, by name. */
export type ItemVariables = Readonly<Record<string, string>>;

/** What an item has more than its lookup key. */
export interface ItemContent {
  /**
   * Its variables as JSON, or nothing. As an object they would have a class of their own in the engine, if no other has
   * the same names: ten times their bytes.
   */
  readonly text: string;
  /** Its sealed value, and whose prefix that stands under. */
  readonly sealed: { readonly value: SealedValue; readonly owner: string } | undefined;
}

const none: ItemVariables = Object.freeze({});

/** Keeps of an entry what it says of one lookup key. */
export function itemContent(
  { items, sealed }: Partial<Pick<RuleEntry, 'items' | 'sealed'>>,
  lookupKey: string,
  owner: string,
): ItemContent {
  const text = items?.[lookupKey] === undefined ? '{}' : JSON.stringify(items[lookupKey]);
  const value = sealed !== undefined && Object.hasOwn(sealed, lookupKey) ? sealed[lookupKey] : undefined;
  return {
    text: text === '{}' ? '' : text,
    sealed: value === undefined ? undefined : { value: knownFields(value), owner },
  };
}

/** Leaves out what else a sealed value has: its objects are all of one class then. */
const knownFields = ({ kid, nonce, ct, epoch }: SealedValue): SealedValue => ({ kid, nonce, ct, epoch });

/** Reads the variables of an item, a sealed value among them. */
export function variablesOf(
  { text, sealed }: ItemContent,
  lookupKey: string,
  open: OpenValue,
): ItemVariables {
  const variables: ItemVariables = text === '' ? none : JSON.parse(text);
  if (sealed === undefined) return variables;
  const place = { owner: sealed.owner, secret: lookupKey };
  return withSealedValue(variables, place, () => open(sealed.value, place));
}
