// The server itself: who is connected, what it is, how it is set.

import { once } from 'node:events';

import { check, equal, isKv, kvOnly, raises, within } from './harness.mjs';
import { newClient, options, redis, spoken } from './connection.mjs';

check('greetings', async () => {
  equal(await redis.ping(), 'PONG');
  equal(await redis.ping('text'), 'text');
  equal(await redis.echo('text'), 'text');
  equal(await redis.select(0), 'OK');
  await raises('DB index is out of range', redis.call('SELECT', '1000'));
  const [seconds, microseconds] = await redis.time();
  within(Number(seconds), 1_700_000_000, 2 ** 34);
  within(Number(microseconds), 0, 999_999);
});

check('hello', async () => {
  const flat = await redis.call('HELLO', `${spoken}`);
  const answer = Object.fromEntries(flat.flatMap((key, at) => (at % 2 ? [] : [[key, flat[at + 1]]])));
  equal([answer.proto, answer.server, answer.mode, answer.role], [spoken, 'redis', 'standalone', 'master']);
  await raises('NOPROTO unsupported protocol version', redis.call('HELLO', '9'));
});

check('clients have names and numbers', async () => {
  const named = newClient({ connectionName: 'checker' });
  equal(await named.client('GETNAME'), 'checker');
  equal(await named.client('SETNAME', 'other'), 'OK');
  const number = await named.client('ID');
  const listed = (await redis.client('LIST')).split('\n').filter((line) => line.includes(' name=other '));
  equal(listed.length, 1);
  equal(listed[0].startsWith(`id=${number} addr=127.0.0.1:`), true, listed[0]);
  equal((await named.client('INFO')).startsWith(`id=${number} `), true);
  await raises('cannot contain spaces', named.client('SETNAME', 'a b'));
  await named.quit();
});

kvOnly('the library tells its name', async () => {
  equal((await redis.client('INFO')).includes(' lib-name=ioredis '), true);
});

check('a killed client connects again', async () => {
  const victim = newClient({ retryStrategy: () => 10 });
  const number = await victim.client('ID');
  const again = once(victim, 'ready');
  equal(await redis.client('KILL', 'ID', number), 1);
  await again;
  equal((await victim.client('ID')) !== number, true, 'over a new connection');
  await victim.quit();
});

check('information', async () => {
  await redis.mset({ a: '1', b: '2' });
  await redis.expire('b', 1000);
  const info = await redis.info();
  for (const field of ['redis_version', 'uptime_in_seconds', 'connected_clients', 'used_memory', 'maxmemory_policy']) {
    equal(info.includes(`\r\n${field}:`), true, field);
  }
  equal(info.includes(`\r\ntcp_port:${options.port}\r\n`), true, 'tcp_port');
  equal(/^# Keyspace\r\ndb0:keys=2,expires=1,/.test(await redis.info('keyspace')), true, 'keyspace');
  if (isKv) equal(info.includes('\r\nkv_version:'), true, 'kv_version');
});

check('configuration', async () => {
  equal(await redis.config('GET', 'maxmemory'), ['maxmemory', '0']);
  equal(await redis.config('GET', 'no-such-setting'), []);
  await raises('Unknown option or number of arguments for CONFIG SET', redis.config('SET', 'no-such-setting', '1'));
  equal(await redis.config('SET', 'maxmemory', '1000mb'), 'OK');
  equal(await redis.config('GET', 'maxmemory'), ['maxmemory', '1048576000']);
  equal(await redis.config('SET', 'maxmemory', '0'), 'OK');
  equal(await redis.config('RESETSTAT'), 'OK');
});

check('the commands tell about themselves', async () => {
  within(await redis.command('COUNT'), 60, 10_000);
  const [get, none] = await redis.command('INFO', 'get', 'nosuch');
  equal([get[0], get[1], get[3], get[4], get[5], none], ['get', 2, 1, 1, 1, null]);
  equal(get[2], ['readonly', 'fast']);
  equal(await redis.command('GETKEYS', 'MSET', 'a', '1', 'b', '2'), ['a', 'b']);
});

check('saving and logs', async () => {
  within(await redis.lastsave(), 1_700_000_000, 2 ** 34);
  equal(await redis.slowlog('RESET'), 'OK');
  within(await redis.slowlog('LEN'), 0, 128);
  equal(await redis.wait(0, 1), 0);
});

check('flushing', async () => {
  await redis.mset({ a: '1', b: '2' });
  equal(await redis.flushdb(), 'OK');
  equal(await redis.dbsize(), 0);
});

kvOnly('what kv does not have is an unknown command', async () => {
  await raises("unknown command 'lpush'", redis.lpush('l', '1'));
  await raises("unknown command 'hset'", redis.hset('h', 'f', '1'));
});
