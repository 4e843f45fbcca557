import { printable } from '#shared/core/text/plain-text.ts';

/** Lines for people, of which a terminal shows every character and obeys none. */
export function terminalLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that is the same value to a program, and that a terminal shows without obeying any of it. */
export function terminalJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, (character) =>
    character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
