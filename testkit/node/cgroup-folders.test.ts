import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cgroupFolders, processFolder } from './cgroup-folders.ts';

test('every hierarchy of version 1 is found by its controllers, or by its name', () => {
  const mounts = [
    'tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0',
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,relatime,cpu,cpuacct 0 0',
    'cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0',
    'proc /proc proc rw 0 0',
  ].join('\n');
  assert.deepEqual(cgroupFolders(mounts, 'mine'), [
    {
      mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
      type: 'cgroup',
      options: 'cpu,cpuacct',
      folder: '/sys/fs/cgroup/cpu,cpuacct/mine',
    },
    {
      mountPoint: '/sys/fs/cgroup/systemd',
      type: 'cgroup',
      options: 'none,name=systemd',
      folder: '/sys/fs/cgroup/systemd/mine',
    },
  ]);
});

test('in version 2 processes are beside the children of the folder, not in it', () => {
  const [unified] = cgroupFolders(
    'cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate,memory_recursiveprot 0 0',
    'mine',
  );
  assert.ok(unified);
  assert.deepEqual([unified.type, unified.options], ['cgroup2', '']);
  assert.equal(processFolder(unified), '/sys/fs/cgroup/mine/processes');
});
