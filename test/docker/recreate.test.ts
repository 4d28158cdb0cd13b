import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectDocker } from '../../src/docker/connect.ts';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import { whyNoEngine } from './engine.ts';

const wanted = { environment: { poolSize: 4, maxOverflow: 2 }, healthyWithinMs: 60_000 };

describe.skipIf(await whyNoEngine())('a container made anew', () => {
  let docker: Docker;
  let project: string;
  let toRemove: (() => Promise<unknown>)[];
  beforeEach(() => {
    docker = connectDocker(process.env);
    project = `dbconn-test-${process.pid}-${randomBytes(3).toString('hex')}`;
    toRemove = [];
  });
  afterEach(async () => {
    const filters = { label: [`com.docker.compose.project=${project}`] };
    for (const { Id, Mounts: mounts } of await docker.listContainers({ all: true, filters })) {
      await docker.getContainer(Id).remove({ force: true, v: true });
      // A container made anew has its anonymous volume by name, and that stays when it goes.
      const volumes = mounts.filter(({ Type: type }) => type === 'volume');
      for (const { Name: volume = '' } of volumes)
        await docker.getVolume(volume).remove({ force: true });
    }
    for (const remove of toRemove.toReversed()) await remove();
  });

  async function run(name: string, body: Docker.ContainerCreateOptions): Promise<string> {
    const options: Docker.ContainerCreateOptions & { _query: object; _body: object } = {
      _query: { name },
      _body: {
        Image: 'dbconn-test/backend',
        User: '0:0',
        ...body,
        Labels: { 'com.docker.compose.project': project, ...body.Labels },
        HostConfig: { Binds: ['/usr:/usr:ro'], ...body.HostConfig },
      },
    };
    const container = await docker.createContainer(options);
    await container.start();
    return container.id;
  }

  async function network(name: string, subnet: string): Promise<void> {
    const made = await docker.createNetwork({ Name: name, IPAM: { Config: [{ Subnet: subnet }] } });
    toRemove.push(() => made.remove());
  }

  test('has everything the old one had, its anonymous volume and fixed address included', async () => {
    const [first, second] = [`${project}_a`, `${project}_b`];
    const block = randomBytes(1)[0] ?? 0;
    await network(first, `10.231.${block}.0/24`);
    await network(second, `10.232.${block}.0/24`);
    const name = `${project}-rich-1`;
    const id = await run(name, {
      Cmd: ['sh', '-c', 'echo begun >> /data/log; exec sleep 1000'],
      Env: ['SECRET=hunter2=with=signs', 'DB_POOL_SIZE=10', 'DB_MAX_OVERFLOW=5', 'LAST=1'],
      Hostname: 'rich',
      WorkingDir: '/tmp',
      Volumes: { '/data': {} },
      ExposedPorts: { '8000/tcp': {} },
      StopSignal: 'SIGKILL',
      StopTimeout: 3,
      Labels: { 'com.docker.compose.config-hash': 'abc', own: 'label' },
      Healthcheck: {
        Test: ['CMD', 'true'],
        Interval: 500_000_000,
        Timeout: 5_000_000_000,
        Retries: 20,
      },
      HostConfig: {
        Binds: ['/usr:/usr:ro'],
        NetworkMode: first,
        PortBindings: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
        Ulimits: [{ Name: 'nofile', Soft: 512, Hard: 1024 }],
        CapDrop: ['NET_RAW'],
        SecurityOpt: ['no-new-privileges'],
        Tmpfs: { '/scratch': 'size=1m' },
        ShmSize: 33_554_432,
        ExtraHosts: ['elsewhere:10.0.0.1'],
        Memory: 268_435_456,
        PidsLimit: 100,
        Dns: ['10.0.0.53'],
      },
      NetworkingConfig: { EndpointsConfig: { [first]: { Aliases: ['rich', 'wealthy'] } } },
    });
    const fixed = `10.232.${block}.77`;
    await docker.getNetwork(second).connect({
      Container: id,
      EndpointConfig: { IPAMConfig: { IPv4Address: fixed }, Aliases: ['second'] },
    });
    const before = await docker.getContainer(id).inspect();

    const settings = createPoolSettings({ services: [], docker });
    const outcome = await settings.recreateReplica({ id: id.slice(0, 12), name }, wanted);
    expect(outcome.problem).toBeUndefined();
    expect(outcome).toMatchObject({ result: 'recreated', environment: wanted.environment });
    const after = await docker.getContainer(name).inspect();
    expect(after.Id).not.toBe(before.Id);
    const { Env: entries, ...config } = after.Config;
    expect(before.Config).toMatchObject(config);
    expect(entries).toEqual(
      before.Config.Env.map((one) => one.replace('SIZE=10', 'SIZE=4').replace('FLOW=5', 'FLOW=2')),
    );
    const { Mounts: _named, ...host } = after.HostConfig;
    expect(before.HostConfig).toMatchObject(host);
    expect(after.Mounts.find(({ Destination }) => Destination === '/data')?.Name).toBe(
      before.Mounts.find(({ Destination }) => Destination === '/data')?.Name,
    );
    const networks = after.NetworkSettings.Networks;
    expect(networks[second]).toMatchObject({ IPAddress: fixed });
    expect(networks[second]?.Aliases).toContain('second');
    expect(networks[first]?.Aliases).toEqual(expect.arrayContaining(['rich', 'wealthy']));
    for (const one of Object.values(networks)) {
      expect(one.Aliases).not.toContain(before.Id.slice(0, 12));
    }
    const log = await docker.getContainer(name).getArchive({ path: '/data/log' });
    let tar = '';
    for await (const chunk of log) tar += String(chunk);
    expect(tar).toContain('begun\nbegun\n');
    const filters = { label: [`com.docker.compose.project=${project}`] };
    expect(await docker.listContainers({ all: true, filters })).toHaveLength(1);
  });

  test('is not begun where others lean on the old one, or it would be gone when it stops', async () => {
    const forever = { Cmd: ['sleep', '1000'] };
    const lender = await run(`${project}-lender-1`, forever);
    const borrower = await run(`${project}-borrower-1`, {
      ...forever,
      HostConfig: { NetworkMode: `container:${lender}` },
    });
    const fleeting = await run(`${project}-fleeting-1`, {
      ...forever,
      HostConfig: { AutoRemove: true },
    });
    const ids = [lender, borrower, fleeting].map((id) => id.slice(0, 12));
    const obstacles = await createPoolSettings({ services: [], docker }).readObstacles(ids);
    expect(obstacles.map(({ reason }) => reason)).toEqual([
      `its network, processes or volumes are used by ${project}-borrower-1`,
      'it borrows the network of another container',
      'it is removed when it stops',
    ]);
  });

  test('that Docker refuses to create costs the old one nothing', async () => {
    const name = `${project}-plain-1`;
    const id = await run(name, { Cmd: ['sleep', '1000'], Env: ['SECRET=hunter2'] });
    const before = await docker.getContainer(id).inspect();
    // The image it was made from has gone under this name and this id: nothing can be created from it.
    const settings = createPoolSettings({ services: [], docker: refusingToCreate(docker) });
    const outcome = await settings.recreateReplica({ id, name }, wanted);
    expect(outcome).toMatchObject({
      result: 'put back',
      ended: null,
      problem: { kind: 'forbidden' },
    });
    const after = await docker.getContainer(name).inspect();
    expect([after.Id, after.State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
  });
});

/** The engine behind a proxy that allows everything but creating. */
function refusingToCreate(docker: Docker): Docker {
  return new Proxy(docker, {
    get(target, name, receiver): unknown {
      const refusal = Object.assign(new Error('no'), { statusCode: 403 });
      return name === 'createContainer'
        ? () => Promise.reject(refusal)
        : Reflect.get(target, name, receiver);
    },
  });
}
