import type { RequestOptions } from 'node:https';
import { stripVTControlCharacters } from 'node:util';
import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { toPlainText, truncate } from '#shared/core/text/plain-text.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import {
  type ExecConfig,
  type ExecCredential,
  execInfo,
  isExpired,
  readExecCredential,
} from './exec-credential.ts';
import { type EndedPlugin, pluginLimits, runPlugin } from './run-plugin.ts';

/** What a plugin is given of the process: its variables, PATH among them. */
export type PluginEnvironment = Readonly<Record<string, string | undefined>>;

/** A plugin that gave no credentials; the message is a whole sentence, in which the plugin's own words stand. */
export class CredentialPluginError extends Error {
  override readonly name = 'CredentialPluginError';
}

/** Characters of the plugin's words in a message: the last ones, where programs say why they end. */
const mostWords = 600;

/**
 * Lets our own runner serve the users of a kubeconfig that have a credential plugin. client-node's keeps neither the exit
 * code nor where a command was looked for, and waits without end (docs/reference/libraries.md L17).
 * @param environment variables that each plugin gets, beside those of the kubeconfig
 */
export function runCredentialPlugins(kubeConfig: KubeConfig, environment: PluginEnvironment): void {
  const plugins = new Map<string, CredentialPlugin>();
  const cluster = kubeConfig.getCurrentCluster() ?? undefined;
  kubeConfig.users = kubeConfig.users.map((user) => {
    if (!user.exec) return user;
    const { exec, ...others } = user;
    plugins.set(
      user.name,
      new CredentialPlugin(exec as ExecConfig, { user: user.name, cluster, environment }),
    );
    return others;
  });
  kubeConfig.addAuthenticator({
    isAuthProvider: ({ name }: User) => plugins.has(name),
    applyAuthentication: async ({ name }: User, options: RequestOptions) => {
      const { token, clientCertificateData, clientKeyData } = (await plugins.get(name)?.credentials()) ?? {};
      if (clientCertificateData !== undefined) options.cert = clientCertificateData;
      if (clientKeyData !== undefined) options.key = clientKeyData;
      if (token !== undefined) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
    },
  });
}

interface PluginContext {
  user: string;
  cluster: Cluster | undefined;
  environment: PluginEnvironment;
}

/** One plugin. Calls that wait for it at the same time share a run, and what it gave until that expires. */
class CredentialPlugin {
  readonly #exec: ExecConfig;
  readonly #context: PluginContext;
  #status: Promise<ExecCredential> | undefined;

  constructor(exec: ExecConfig, context: PluginContext) {
    this.#exec = exec;
    this.#context = context;
  }

  async credentials(): Promise<ExecCredential> {
    const kept = this.#status;
    if (kept !== undefined) {
      const status = await kept;
      if (!isExpired(status, systemClock.now())) return status;
    }
    // Another call may have begun a run meanwhile.
    if (this.#status === kept) this.#status = this.#run();
    const running = this.#status;
    running?.catch(() => {
      if (this.#status === running) this.#status = undefined;
    });
    return (await running) ?? {};
  }

  async #run(): Promise<ExecCredential> {
    const { command, interactiveMode } = this.#exec;
    if (!command) throw this.#error('has no command');
    if (interactiveMode === 'Always') {
      throw this.#error('needs a terminal (interactiveMode: Always), which it is not given here');
    }
    const ended = await this.#execute(command);
    if (ended.failure !== null) throw this.#error(this.#failureOf(ended));
    const status = readExecCredential(ended.output);
    if (status === undefined) {
      throw this.#error(`printed no ExecCredential with a token or a certificate${wordsOf(ended.words)}`);
    }
    return status;
  }

  #execute(command: string): Promise<EndedPlugin> {
    const { args, env } = this.#exec;
    return runPlugin(command, args ?? [], {
      ...this.#context.environment,
      KUBERNETES_EXEC_INFO: execInfo(this.#exec, this.#context.cluster),
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    });
  }

  #failureOf({ failure, words }: EndedPlugin): string {
    const { timeoutMs, mostOutputBytes } = pluginLimits;
    const code = failure?.code;
    if (code === 'ENOENT') return this.#notFound();
    if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${mostOutputBytes} bytes`;
    if (typeof code === 'number') return `ended with exit code ${code}${wordsOf(words)}`;
    if (failure?.killed === true) return `gave no credentials within ${timeoutMs / 1_000} s${wordsOf(words)}`;
    if (failure?.signal != null) return `was ended by ${String(failure.signal)}${wordsOf(words)}`;
    return `could not be started (${String(code)})`;
  }

  #notFound(): string {
    const { command = '', installHint } = this.#exec;
    const hint = installHint ? `. ${plainWords(installHint)}` : '';
    if (command.includes('/')) return `is missing: there is no file ${truncate(command, 300)}${hint}`;
    const path = truncate(this.#context.environment.PATH ?? '', 300);
    return `is missing: no folder of PATH has it (${path || 'PATH is empty'})${hint}`;
  }

  #error(what: string): CredentialPluginError {
    const { command = '' } = this.#exec;
    const name = command === '' ? '' : ` ${truncate(command, 300)}`;
    return new CredentialPluginError(
      `the credential plugin${name} of user ${truncate(this.#context.user, 80)} in the kubeconfig ${what}`,
    );
  }
}

const wordsOf = (words: string): string => {
  const plain = plainWords(words);
  return plain === '' ? ' without a word' : `: ${plain}`;
};

/** Puts the plugin's words on one line that a terminal shows and does not obey. */
function plainWords(words: string): string {
  const lines = stripVTControlCharacters(words).split(/[\r\n]+/);
  const line = toPlainText(
    lines
      .map((each) => each.trim())
      .filter(Boolean)
      .join(' / '),
  );
  const characters = [...line];
  return characters.length <= mostWords ? line : `…${characters.slice(1 - mostWords).join('')}`;
}
