import { after, before } from 'node:test';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import { type ClosedInstallation, provesExistence, startClosedInstallation } from './existence-flow.ts';
import { awsEnvironment, awsOwner, motoProgram, region } from './moto.ts';
import type { RunningProvider } from './provider-program.ts';

// `aws.inventory: closed` on the real API server; AWS is moto's server, asked through the official SDK.
let running: ClosedInstallation;
let lastingArn = '';
let passingArn = '';

const startMoto = (provider: RunningProvider): Promise<void> =>
  provider.start(async (direct) => {
    lastingArn = await awsOwner(direct).create('team/database-password');
  });

before(async () => {
  running = await startClosedInstallation({
    manager: 'aws',
    program: await motoProgram(),
    environment: awsEnvironment,
    start: startMoto,
    config: ({ endpoint }) => ({
      aws: { inventory: 'closed', provider: { region, endpoint, refreshSeconds: 1 } },
    }),
  });
});
after(() => running?.stop());

/** As Flyte's users split an ARN; the six letters that AWS puts behind the name may be left out. */
function asked(arn: string): AskedSecret {
  const end = arn.lastIndexOf(':') + 1;
  return { group: arn.slice(0, end), key: arn.slice(end).replace(/-.{6}$/, '') };
}

provesExistence({
  running: () => running,
  start: startMoto,
  lasting: () => asked(lastingArn),
  misspelt: () => ({
    asked: asked(lastingArn.replace('password', 'pasword')),
    suggested: 'team/database-password',
  }),
  create: async ({ direct }) => {
    passingArn = await awsOwner(direct()).create('team/api-token');
    return asked(passingArn);
  },
  remove: ({ direct }) => awsOwner(direct()).remove(passingArn),
});
