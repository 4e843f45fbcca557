import { createCipheriv, createDecipheriv } from 'node:crypto';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { SealedValue } from '#shared/contracts/bus/sealed-value.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { KeyRing } from './key-ring.ts';

const cipher = 'aes-256-gcm';
const tagBytes = 16;
export const nonceBytes = 12;

/**
 * Stands for the inventory in what a value is bound to. Not the name of the bucket of the day: for one release a value
 * goes into the buckets of two schema versions, and gateways of both open it.
 */
const inventory = 'latchkey_inventory';

/** Whose secret a value is: the owner's prefix and the secret's name in it, the same in both buckets. */
export interface SealedPlace {
  owner: string;
  secret: string;
}

/**
 * What a sealed value is bound to: the inventory, its key there, and the epoch of the discovery that sealed it.
 * Between discovery and a gateway stands a resolver, which copies the value into another bucket under an epoch of its
 * own and cannot seal it again. So nothing of the rules bucket can be bound, and the epoch travels beside the value: a
 * record that a later discovery leaves alone keeps the epoch of its sealing. The gateway takes none of the rest from
 * the message: the owner is the manager whose prefix the rule stands under (NATS lets only its resolver write there),
 * the secret is the lookup key that the request became. A value under any other name does not open.
 */
const boundTo = ({ owner, secret }: SealedPlace, epoch: number): Buffer =>
  Buffer.from(
    JSON.stringify([inventory, formatKey({ owner, kind: 'entry', namespace: undefined, secret }), epoch]),
  );

/**
 * Seals a value with AES-256-GCM.
 * @param options.nonce 12 random bytes, never used twice with one key
 */
export function sealValue(
  value: string,
  options: { kid: string; key: Uint8Array; place: SealedPlace; epoch: number; nonce: Uint8Array },
): SealedValue {
  const { kid, key, place, epoch, nonce } = options;
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  sealing.setAAD(boundTo(place, epoch));
  const sealed = Buffer.concat([sealing.update(value, 'utf8'), sealing.final(), sealing.getAuthTag()]);
  return { kid, nonce: Buffer.from(nonce).toString('base64'), ct: sealed.toString('base64'), epoch };
}

/** The value, or why it cannot be read, for a denial and an operator. */
type Opened = { value: string } | { problem: string };

/** Opens what {@link sealValue} made for the same place. */
export function openValue(sealed: SealedValue, place: SealedPlace, { keys }: KeyRing): Opened {
  const key = keys.get(sealed.kid);
  if (key === undefined) return { problem: `the key ring has no key ${quote(sealed.kid)}` };
  const nonce = Buffer.from(sealed.nonce, 'base64');
  const bytes = Buffer.from(sealed.ct, 'base64');
  try {
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes });
    opening.setAAD(boundTo(place, sealed.epoch));
    opening.setAuthTag(bytes.subarray(-tagBytes));
    const value = Buffer.concat([opening.update(bytes.subarray(0, -tagBytes)), opening.final()]);
    return { value: value.toString('utf8') };
  } catch {
    return { problem: `it was not sealed for this secret under key ${quote(sealed.kid)}` };
  }
}

/** Opens a sealed value with the keys of the moment. */
export type OpenValue = (sealed: SealedValue, place: SealedPlace) => Opened;

/**
 * Variables of an entry with one more, `value`, that is opened each time a template reads it: a key that arrives later
 * needs no new rule, and no plain text is kept. Nothing lists or copies it.
 * Reading it throws RULES_UNKNOWN while the value cannot be opened.
 */
export function withSealedValue(
  variables: Readonly<Record<string, string>>,
  { owner, secret }: SealedPlace,
  open: () => Opened,
): Readonly<Record<string, string>> {
  const read = (): string => {
    const opened = open();
    if ('value' in opened) return opened.value;
    throw new LatchkeyError(
      'RULES_UNKNOWN',
      `${quote(secret)} of manager ${owner} exists, but its value cannot be opened: ${opened.problem}. An operator of latchkey has to put the key ring of the gateways right`,
      { fields: { secret } },
    );
  };
  return Object.defineProperty({ ...variables }, 'value', { get: read, enumerable: false });
}

/** Tells whether one of the variables is a sealed value, without opening it. */
export const isSealed = (variables: Readonly<Record<string, string>>): boolean =>
  Object.getOwnPropertyDescriptor(variables, 'value')?.get !== undefined;
