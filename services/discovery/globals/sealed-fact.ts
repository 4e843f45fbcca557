import { randomBytes } from 'node:crypto';
import type { SealedValue } from '#shared/contracts/bus/sealed-value.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { KeyRing } from '#shared/core/rules/index/key-ring.ts';
import { nonceBytes, openValue, sealValue } from '#shared/core/rules/index/sealed-value.ts';
import type { GlobalSecret } from './global-secrets.ts';

/** Bounds a value: Linux takes 128 KiB for one variable with its name (MAX_ARG_STRLEN), else the task does not start. */
const mostBytes = 120 * 1024;

/** Holds the value as text of an environment variable, or why it cannot be one. */
type InlineText = { text: string } | { problem: string };

/** Reads a value as what an environment variable can hold. */
export function inlineText(value: Uint8Array): InlineText {
  if (value.length > mostBytes) {
    return { problem: `the value of ${value.length} bytes is too large for a variable (${mostBytes})` };
  }
  if (value.includes(0)) return { problem: 'the value holds a zero byte, which no variable can' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return { problem: 'the value is not UTF-8 text, which the variable of a pod has to be' };
  }
}

/** Holds what an entry says of a value; `version` is that of the time when the value was sealed first. */
export interface SealedFact extends Pick<InventoryEntry, 'version'> {
  sealed: SealedValue;
}

/**
 * Seals a global secret. Returns the fact before, to the byte, when that holds the same value under the sealing key, so
 * that neither a restart nor a file that was written again changes anything on the bus.
 * @returns undefined while the ring has no sealing key
 */
export function sealFact(
  { name, version }: Pick<GlobalSecret, 'name' | 'version'>,
  text: string,
  { ring, epoch, before }: { ring: KeyRing; epoch: number; before: SealedFact | undefined },
): SealedFact | undefined {
  const kid = ring.sealingKid;
  const key = kid === undefined ? undefined : ring.keys.get(kid);
  if (kid === undefined || key === undefined) return undefined;
  const place = { owner: 'global', secret: name };
  const opened = before === undefined ? undefined : openValue(before.sealed, place, ring);
  const isSame = opened !== undefined && 'value' in opened && opened.value === text;
  if (isSame && before?.sealed.kid === kid) return before;
  const sealed = sealValue(text, { kid, key, place, epoch, nonce: randomBytes(nonceBytes) });
  return { version: isSame && before !== undefined ? before.version : version, sealed };
}
