import type { FolderNames, VaultSession } from './vault-session.ts';

/** Folders that are asked for at once: one tenant's many are not all waited for, one after another. */
export const foldersAtOnce = 8;

/** An answer that was asked for before its turn. */
interface EarlyAnswer {
  names: Promise<FolderNames>;
  isThere: boolean;
  /** What it takes: until it is there, as much as the longest. */
  bytes: number;
}

/**
 * Asks for folders ahead of their turn, with room for those that are on their way and one longest answer. Without that limit
 * the folders beside a long path, each with megabytes of names, would all be in memory until the path has been listed.
 */
export class FolderAnswers {
  readonly #session: Pick<VaultSession, 'list' | 'mostAnswerBytes'>;
  /** By path, the one first that was asked for first. */
  readonly #early = new Map<string, EarlyAnswer>();
  #bytes = 0;

  constructor(session: Pick<VaultSession, 'list' | 'mostAnswerBytes'>) {
    this.#session = session;
  }

  /** Asks for the folders whose turn is next; answers of others make room, and are asked for again in their turn. */
  askAhead(next: readonly string[]): void {
    const isNext = new Set(next);
    for (const path of next) {
      if (this.#early.has(path)) continue;
      for (const [other, { isThere }] of this.#early) {
        if (this.#hasRoom()) break;
        if (isThere && !isNext.has(other)) void this.take(other);
      }
      if (!this.#hasRoom()) return;
      this.#ask(path);
    }
  }

  /** Hands over what was asked for ahead; undefined when nothing was. */
  take(path: string): Promise<FolderNames> | undefined {
    const answer = this.#early.get(path);
    if (answer === undefined) return undefined;
    this.#early.delete(path);
    this.#bytes -= answer.bytes;
    return answer.names;
  }

  #hasRoom(): boolean {
    return this.#bytes <= foldersAtOnce * this.#session.mostAnswerBytes;
  }

  #ask(path: string): void {
    const answer = { names: this.#session.list(path), isThere: false, bytes: this.#session.mostAnswerBytes };
    this.#early.set(path, answer);
    this.#bytes += answer.bytes;
    const arrive = (bytes: number): void => {
      if (this.#early.get(path) !== answer) return;
      this.#bytes += bytes - answer.bytes;
      Object.assign(answer, { isThere: true, bytes });
    };
    answer.names.then(
      ({ bytes }) => arrive(bytes),
      () => arrive(0),
    );
  }
}
