import { Document, visit } from 'yaml';
import { toPlainText } from '#shared/core/text/plain-text.ts';

/** What a terminal obeys, or shows as something else; the line feed is our own. */
const obeyed = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu;
/** The same with the line feed, of which the library's block style loses spaces. */
const needsEscape = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Lines for people, of which a terminal shows every character and obeys none. */
export function terminalLines(text: string): string {
  return text.split('\n').map(toPlainText).join('\n');
}

/** JSON that is the same value to a program, and that a terminal shows without obeying any of it. */
export function terminalJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(obeyed, (character) =>
    character.replace(/./gs, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  );
}

/**
 * YAML that is the same value to a program, and that a terminal shows without obeying any of it.
 * @param value data, or a Document with its comments
 */
export function terminalYaml(value: unknown): string {
  const document = value instanceof Document ? value : new Document(value);
  visit(document, {
    // Only this style has escapes.
    Scalar: (_, scalar) => {
      if (needsEscape.test(String(scalar.value))) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 }).replace(obeyed, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  });
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
