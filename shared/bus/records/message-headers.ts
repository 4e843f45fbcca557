import type { Msg } from '@nats-io/transport-node';

/** What is read of the headers of a message. */
export interface MessageHeaders {
  /** Status in the first line; 0 where there is none. */
  readonly code: number;
  /** Returns the first value of a name, or the empty string. */
  get(name: string): string;
  /** Returns the last value of a name, or the empty string. */
  last(name: string): string;
  has(name: string): boolean;
}

const firstLine = 'NATS/1.0';
const lineEnd = '\r\n';

/**
 * Headers that are looked up in their text. The client's own take a record twenty microseconds: it makes lists of every
 * name, several times for each header, and a set has a hundred thousand records.
 */
class HeaderText implements MessageHeaders {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get code(): number {
    if (!this.#text.startsWith(firstLine)) return 0;
    return Number.parseInt(this.#text.slice(firstLine.length, this.#text.indexOf(lineEnd)), 10) || 0;
  }

  get(name: string): string {
    return this.#valueAt(this.#text.indexOf(`${lineEnd}${name}:`), name);
  }

  last(name: string): string {
    return this.#valueAt(this.#text.lastIndexOf(`${lineEnd}${name}:`), name);
  }

  has(name: string): boolean {
    return this.#text.includes(`${lineEnd}${name}:`);
  }

  #valueAt(position: number, name: string): string {
    if (position === -1) return '';
    const start = position + lineEnd.length + name.length + 1;
    return this.#text.slice(start, this.#text.indexOf(lineEnd, start)).trim();
  }
}

/** Returns the headers in this text, which ends as headers do; undefined for any other. */
export const readHeaderText = (text: string): MessageHeaders | undefined =>
  text.endsWith(`${lineEnd}${lineEnd}`) ? new HeaderText(text) : undefined;

/**
 * Reads the headers of a message. They stand before its data in the same buffer, and what is not counted of the message
 * as subject, reply or data are they. The client's own reader is never asked: what another login has stored makes it throw
 * in the client's read loop, which ends, and a thousand names take it seconds.
 */
export function headersOf(message: Msg & { size?(): number }): MessageHeaders | undefined {
  const { data, subject, reply = '' } = message;
  const length = (message.size?.() ?? 0) - subject.length - reply.length - data.length;
  if (length <= 0 || length > data.byteOffset) return undefined;
  const bytes = Buffer.from(data.buffer, data.byteOffset - length, length);
  return readHeaderText(bytes.toString('utf8'));
}
