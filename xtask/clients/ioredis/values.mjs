// Strings and numbers: whole, in parts, many at once, binary, counted.

import { check, equal, kvOnly, raises } from './harness.mjs';
import { redis } from './connection.mjs';

// Every byte there is, and what a careless reader would stumble over.
const binary = Buffer.concat([Buffer.from([...Array(256).keys()]), Buffer.from('\r\n$5\r\nhello\r\n\0\0')]);

check('set and get', async () => {
  equal(await redis.set('k', 'v'), 'OK');
  equal(await redis.get('k'), 'v');
  equal(await redis.get('none'), null);
  equal(await redis.set('empty', ''), 'OK');
  equal(await redis.get('empty'), '');
  equal(await redis.set('ü', '€'), 'OK');
  equal(await redis.get('ü'), '€');
});

check('set under conditions', async () => {
  equal(await redis.set('k', '1', 'XX'), null);
  equal(await redis.set('k', '1', 'NX'), 'OK');
  equal(await redis.set('k', '2', 'NX'), null);
  equal(await redis.set('k', '2', 'EX', 1000, 'XX', 'GET'), '1');
  equal(await redis.set('k', '3', 'GET'), '2');
  equal(await redis.setnx('k', '4'), 0);
  equal(await redis.setnx('k2', '4'), 1);
  equal(await redis.get('k'), '3');
});

kvOnly('set if equal', async () => {
  await redis.set('k', '1');
  equal(await redis.call('SET', 'k', '2', 'IFEQ', '0'), null);
  equal(await redis.call('SET', 'k', '2', 'IFEQ', '1'), 'OK');
  equal(await redis.get('k'), '2');
});

check('exchange', async () => {
  equal(await redis.getset('k', '1'), null);
  equal(await redis.getset('k', '2'), '1');
  equal(await redis.getdel('k'), '2');
  equal(await redis.getdel('k'), null);
});

check('parts', async () => {
  equal(await redis.append('k', 'Hello World'), 11);
  equal(await redis.strlen('k'), 11);
  equal(await redis.getrange('k', -5, -1), 'World');
  equal(await redis.getrange('k', 4, 2), '');
  equal(await redis.substr('k', 0, 4), 'Hello');
  equal(await redis.setrange('k', 6, 'Redis'), 11);
  equal(await redis.get('k'), 'Hello Redis');
  equal(await redis.setrange('padded', 3, 'x'), 4);
  equal(await redis.getBuffer('padded'), Buffer.from('\0\0\0x'));
});

check('many at once', async () => {
  equal(await redis.mset({ a: '1', b: '2' }), 'OK');
  equal(await redis.mget('a', 'none', 'b'), ['1', null, '2']);
  equal(await redis.msetnx('c', '3', 'a', 'x'), 0);
  equal(await redis.msetnx('c', '3', 'd', '4'), 1);
  equal(await redis.mget(['a', 'c', 'd']), ['1', '3', '4']);
});

check('binary keys and values', async () => {
  for (const key of [binary, Buffer.from([0]), Buffer.from('\r\n')]) {
    equal(await redis.set(key, binary), 'OK');
    equal(await redis.getBuffer(key), binary);
    equal(await redis.strlen(key), binary.length);
  }
  const keys = await redis.keysBuffer('*');
  equal(keys.sort(Buffer.compare), [Buffer.from([0]), binary, Buffer.from('\r\n')].sort(Buffer.compare));
});

check('big values', async () => {
  for (const size of [1 << 20, 10 << 20]) {
    const value = Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog.\r\n');
    equal(await redis.set('big', value), 'OK');
    equal(await redis.strlen('big'), size);
    const read = await redis.getBuffer('big');
    equal(read.length, size);
    equal(read.equals(value), true, `${size} bytes`);
  }
});

check('longest common subsequence', async () => {
  await redis.mset({ a: 'ohmytext', b: 'mynewtext' });
  equal(await redis.lcs('a', 'b'), 'mytext');
  equal(await redis.lcs('a', 'b', 'LEN'), 6);
});

check('whole numbers', async () => {
  equal(await redis.incr('n'), 1);
  equal(await redis.incrby('n', 41), 42);
  equal(await redis.decr('n'), 41);
  equal(await redis.decrby('n', 50), -9);
  await redis.set('n', '9223372036854775807');
  await raises('increment or decrement would overflow', redis.incr('n'));
  await redis.set('n', 'text');
  const error = await raises('value is not an integer or out of range', redis.incr('n'));
  equal([error.name, error.command.name, error.command.args], ['ReplyError', 'incr', ['n']]);
  equal(await redis.get('n'), 'text');
});

check('fractions', async () => {
  equal(Number(await redis.incrbyfloat('f', 10.5)), 10.5);
  equal(Number(await redis.incrbyfloat('f', '-0.25')), 10.25);
  equal(await redis.get('f'), '10.25');
  await redis.set('f', 'text');
  await raises('value is not a valid float', redis.incrbyfloat('f', 1));
});

check('wrong arguments', async () => {
  await raises("wrong number of arguments for 'get' command", redis.call('GET'));
  await raises('syntax error', redis.set('k', 'v', 'BOGUS'));
  await raises("unknown command 'NOSUCH', with args beginning with: 'a'", redis.call('NOSUCH', 'a'));
  equal(await redis.set('k', 'v'), 'OK');
});
