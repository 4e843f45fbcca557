import { nkeys } from '@nats-io/transport-node';
import type { NatsLogin } from './nats-logins.ts';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const base64url = (content: string | Uint8Array): string => Buffer.from(content).toString('base64url');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Issues a NATS JWT as nsc does: `claims` are the member `nats`. */
function issueJwt(issuer: KeyPair, subject: KeyPair, name: string, claims: Record<string, unknown>): string {
  const header = base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
  const body = base64url(
    JSON.stringify({
      jti: subject.getPublicKey(),
      iat: Math.floor(Date.now() / 1_000),
      iss: issuer.getPublicKey(),
      sub: subject.getPublicKey(),
      name,
      nats: { version: 2, ...claims },
    }),
  );
  return `${header}.${body}.${base64url(issuer.sign(Buffer.from(`${header}.${body}`)))}`;
}

/** Limits an account in nothing but JetStream; -1 is no limit. */
const accountLimits = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};
const jetStreamLimits = {
  mem_storage: 1_000_000,
  disk_storage: 768 * 1_024 * 1_024,
  streams: 4,
  consumer: 0,
};

/** An operator with a system account and one account with JetStream, as `nsc` makes them. */
export interface NatsOperator {
  /** Lines of a nats-server's configuration. */
  configuration: string;
  /** Makes the `.creds` file of a user that may do what a login of nats.conf may. */
  credsOf(login: NatsLogin): string;
}

/** Makes an operator with keys of its own. */
export function createNatsOperator(): NatsOperator {
  const [operator, system, account] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const operatorJwt = issueJwt(operator, operator, 'example', {
    type: 'operator',
    system_account: system.getPublicKey(),
  });
  const accountJwt = (pair: KeyPair, name: string, limits: Record<string, unknown>): string =>
    issueJwt(operator, pair, name, { type: 'account', limits });
  return {
    configuration: `operator: "${operatorJwt}"
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${system.getPublicKey()}: "${accountJwt(system, 'SYS', accountLimits)}"
  ${account.getPublicKey()}: "${accountJwt(account, 'latchkey', { ...accountLimits, ...jetStreamLimits })}"
}
`,
    credsOf({ user, publish, subscribe }) {
      const pair = nkeys.createUser();
      const jwt = issueJwt(account, pair, `example-${user}`, {
        type: 'user',
        subs: -1,
        data: -1,
        payload: -1,
        pub: { allow: publish },
        sub: { allow: subscribe },
      });
      return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
${textOf(pair.getSeed())}
------END USER NKEY SEED------

*************************************************************
`;
    },
  };
}
