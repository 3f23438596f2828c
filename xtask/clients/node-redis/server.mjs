// The server itself: who is connected, what it is, how it is set.

import { check, equal, isKv, kvOnly, raises, within } from './harness.mjs';
import { client, newClient, options, spoken } from './connection.mjs';

check('greetings', async () => {
  equal(await client.ping(), 'PONG');
  equal(await client.echo('text'), 'text');
  equal(await client.sendCommand(['SELECT', '0']), 'OK');
  await raises('DB index is out of range', client.select(1000));
  const [seconds, microseconds] = await client.time();
  within(Number(seconds), 1_700_000_000, 2 ** 34);
  within(Number(microseconds), 0, 999_999);
});

check('hello', async () => {
  const answer = await client.hello(spoken);
  equal(answer.proto, spoken);
  equal(answer.server, 'redis');
  equal(answer.mode, 'standalone');
  equal(answer.role, 'master');
  equal(answer.modules, []);
  await raises('NOPROTO unsupported protocol version', client.sendCommand(['HELLO', '9']));
});

check('clients have names and numbers', async () => {
  const named = newClient({ name: 'checker' });
  await named.connect();
  equal(await named.clientGetName(), 'checker');
  equal(await named.clientSetName('other'), 'OK');
  const listed = (await client.clientList()).filter(({ name }) => name === 'other');
  equal(listed.length, 1);
  equal(Number(listed[0].id), Number(await named.clientId()));
  equal((await named.clientInfo()).name, 'other');
  await raises('cannot contain spaces', named.clientSetName('a b'));
  await named.close();
});

kvOnly('the library tells its name', async () => {
  const { libName, libVer } = await client.clientInfo();
  equal(libName, 'node-redis');
  equal(/^\d+\.\d+\.\d+$/.test(libVer), true, libVer);
});

check('a killed client connects again', async () => {
  const victim = newClient({ socket: { reconnectStrategy: 10 } });
  await victim.connect();
  const number = await victim.clientId();
  const again = new Promise((resolve) => victim.once('ready', resolve));
  equal(await client.clientKill({ filter: 'ID', id: number }), 1);
  await again;
  equal(await victim.ping(), 'PONG');
  equal((await victim.clientId()) !== number, true, 'over a new connection');
  await victim.close();
});

check('information', async () => {
  await client.mSet({ a: '1', b: '2' });
  await client.expire('b', 1000);
  const info = await client.info();
  for (const field of ['redis_version', 'uptime_in_seconds', 'connected_clients', 'used_memory', 'maxmemory_policy']) {
    equal(info.includes(`\r\n${field}:`), true, field);
  }
  equal(info.includes(`\r\ntcp_port:${options.socket.port}\r\n`), true, 'tcp_port');
  equal(/^# Keyspace\r\ndb0:keys=2,expires=1,/.test(await client.info('keyspace')), true, 'keyspace');
  if (isKv) equal(info.includes('\r\nkv_version:'), true, 'kv_version');
});

check('configuration', async () => {
  equal(await client.configGet('maxmemory'), { maxmemory: '0' });
  equal(await client.configGet('no-such-setting'), {});
  equal(Object.keys(await client.configGet(['maxmemory', 'appendonly'])).sort(), ['appendonly', 'maxmemory']);
  await raises('Unknown option or number of arguments for CONFIG SET', client.configSet('no-such-setting', '1'));
  equal(await client.configSet('maxmemory', '1000mb'), 'OK');
  equal(await client.configGet('maxmemory'), { maxmemory: '1048576000' });
  equal(await client.configSet('maxmemory', '0'), 'OK');
  equal(await client.configResetStat(), 'OK');
});

check('the commands tell about themselves', async () => {
  within(await client.commandCount(), 60, 10_000);
  equal((await client.commandList()).includes('get'), true, 'COMMAND LIST');
  const [get, none] = await client.commandInfo(['get', 'nosuch']);
  equal([get.name, get.arity, get.firstKeyIndex, get.lastKeyIndex, get.step], ['get', 2, 1, 1, 1]);
  equal([get.flags.has('readonly'), get.flags.has('fast'), none], [true, true, null]);
  equal(await client.commandGetKeys(['MSET', 'a', '1', 'b', '2']), ['a', 'b']);
});

check('saving and logs', async () => {
  within(Number(await client.lastSave()), 1_700_000_000, 2 ** 34);
  equal(await client.sendCommand(['SLOWLOG', 'RESET']), 'OK');
  equal(await client.wait(0, 1), 0);
});

check('flushing', async () => {
  await client.mSet({ a: '1', b: '2' });
  equal(await client.flushDb('ASYNC'), 'OK');
  equal(await client.dbSize(), 0);
});

kvOnly('what kv does not have is an unknown command', async () => {
  await raises("unknown command 'LPUSH'", client.lPush('l', '1'));
  await raises("unknown command 'HSET'", client.hSet('h', 'f', '1'));
});
