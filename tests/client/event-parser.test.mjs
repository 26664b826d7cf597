import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventParser } from '../../dormparty_sse/web/static/dormparty-client/event-parser.js';

const bytesOf = (text) => new TextEncoder().encode(text);

/** The events of a whole stream, by their data and id; `size`: it comes in pieces of so many bytes. */
function parse(text, size = Infinity) {
  const bytes = bytesOf(text);
  const parser = new EventParser();
  const events = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.subarray(at, at + size)));
  return { events, parser };
}

const dataOf = (text) => parse(text).events.map(({ data }) => data);

test('lines end with LF, CR or CRLF', () => {
  for (const end of ['\n', '\r', '\r\n']) assert.deepEqual(dataOf(`data: a${end}data: b${end}${end}`), ['a\nb']);
  assert.deepEqual(dataOf('data: a\r\ndata: b\n\rdata: c\r\r'), ['a\nb', 'c']);
});

test('a mark at the beginning is no part of the first name, and one later is', () => {
  assert.deepEqual(dataOf('\uFEFFdata: a\n\n'), ['a']);
  assert.deepEqual(dataOf('data: a\n\n\uFEFFdata: b\n\n'), ['a']);
});

test('one space after the colon is dropped, and no more', () => {
  assert.deepEqual(dataOf('data:a\n\ndata: a\n\ndata:  a\n\n'), ['a', 'a', ' a']);
});

test('a line without a colon is a name without a value', () => {
  assert.deepEqual(dataOf('data\n\ndata\ndata\n\n'), ['', '\n']);
});

test('comments and unknown names say nothing, and no data is no event', () => {
  assert.deepEqual(dataOf(': data: x\nother: y\nevent: z\n\n:\n\ndata: a\n\n'), ['a']);
});

test('an event that is not complete when the stream ends did not happen, nor did its id', () => {
  const { events, parser } = parse('id: 1\ndata: a\n\nid: 2\ndata: b\n');
  assert.deepEqual(events.map(({ data }) => data), ['a']);
  assert.equal(parser.lastEventId, '1');
});

test('the type is message where none is named, and is forgotten after each event', () => {
  const { events } = parse('event: x\ndata: a\n\ndata: b\n\n');
  assert.deepEqual(events.map(({ type }) => type), ['x', 'message']);
});

test('an id stays until there is another, and one with a NUL is none', () => {
  const { events } = parse('id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n');
  assert.deepEqual(events.map(({ lastEventId }) => lastEventId), ['1', '1', '1', '']);
});

test('an id without data counts', () => {
  assert.equal(parse('id: 7\n\n').parser.lastEventId, '7');
});

test('retry is a number of digits', () => {
  assert.equal(parse('retry: 250\n').parser.retryMs, 250);
  for (const bad of ['-1', '1.5', '1s', '', '١']) assert.equal(parse(`retry: ${bad}\n`).parser.retryMs, null);
});

test('it makes no difference where the network cuts', () => {
  const text = '\uFEFFid: 1\r\ndata: ü €\r\ndata: 😀\r\n\r\n: c\rretry: 5\rid: 2\rdata: b\r\rdata: c\n\n';
  const whole = parse(text);
  assert.deepEqual(whole.events.map(({ data }) => data), ['ü €\n😀', 'b', 'c']);
  for (const size of [1, 2, 3, 5, 7]) assert.deepEqual(parse(text, size).events, whole.events);
  const bytes = bytesOf(text);
  for (let at = 0; at <= bytes.length; at += 1) {
    const parser = new EventParser();
    const events = [...parser.push(bytes.subarray(0, at)), ...parser.push(bytes.subarray(at))];
    assert.deepEqual(events, whole.events);
    assert.equal(parser.retryMs, 5);
  }
});
