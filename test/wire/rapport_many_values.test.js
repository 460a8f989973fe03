// Answers of very many short values: as text they are small, in memory many times that. Whatever a
// tool's server says, in however many calls of one turn, the program lives, the model and the
// console are told why, and others are answered meanwhile.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen } from '../fake/listen.js';
import { agentYaml } from './agent_yaml.js';
import { Api } from './api.js';
import { McpServer } from './mcp_server.js';
import { Bench, MODEL } from './mcp_use.js';
import { SUPPORT, skip } from './rapport.js';

const ROUNDS = 24; // of tools in one turn
const CALLS = 8; // in one round
const VALUES_MAX = 8192;
const ones = (n) => `[${'1,'.repeat(n - 1)}1]`;

describe('answers of many values', { skip }, () => {
  let bench;
  let tools; // the org's own tool server
  let says; // its answer
  let asked = 0;
  before(async () => {
    tools = await listen((req, res) => {
      asked++;
      req.resume();
      res.writeHead(200, { 'content-type': 'application/json' }).end(says);
    });
    bench = await Bench.start({});
    const tool = {
      name: 'look',
      description: 'Looks.',
      parameters: { type: 'object', properties: { n: { type: 'integer' } } },
      status: 'implemented',
      timeout_s: 10,
      run: { http: { method: 'POST', url: `${tools.url}/look`, allow_private: true } },
    };
    const llm = { provider: 'anthropic', model: MODEL, tool_rounds: ROUNDS };
    const yaml = agentYaml({ slug: 'many', tools: [tool], llm });
    await bench.admin.post('/agents', { yaml, message: 'wire' });
  });
  after(async () => {
    await tools?.close();
    await bench?.stop();
  });

  /** The model asks eight times in every round, and tells in the end what it was told last. */
  async function turn() {
    const tool_calls = Array.from({ length: CALLS }, (_, n) => ({
      name: 'look',
      arguments: { n },
    }));
    bench.llm.load({
      rules: [
        { when: { last: 'user' }, reply: { tool_calls } },
        { times: ROUNDS - 1, when: { last: 'tool_result' }, reply: { tool_calls } },
        { when: { last: 'tool_result' }, reply: { text: 'That was all.' } },
      ],
    });
    const visitor = await bench.visitor('many');
    const { body } = await visitor.post('look at everything');
    const told = await visitor.reply(body.message.seq, { waitMs: 120_000 });
    const runs = await bench.admin.get(`/conversations/${visitor.conversation}/runs`);
    const run = await bench.admin.get(`/runs/${runs.items[0].id}`);
    return { told, run, calls: run.steps.flatMap((step) => step.tool_calls) };
  }

  const others = async () =>
    assert.ok((await Api.login(bench.server, SUPPORT)).token, 'others are answered');

  test('a megabyte of ones in every call: each is refused, and the model is told', async () => {
    says = ones(500_000);
    asked = 0;
    const { run, calls } = await turn();
    assert.equal(run.status, 'done', JSON.stringify(run.error));
    assert.ok(calls.length >= 64, `${calls.length} calls`);
    for (const call of calls) {
      assert.equal(call.status, 'failed');
      assert.match(call.error, /more than 8192 values/);
    }
    assert.equal(asked, calls.length, 'none is tried again: the answer would be the same');
    const last = bench.llm.requests().at(-1);
    assert.match(JSON.stringify(last.body.messages), /more than 8192 values/);
    await others();
  });

  test('as many values as fit, in every call: the run ends with an error, the program goes on', async () => {
    says = ones(VALUES_MAX - 1);
    const { told, run } = await turn();
    const failed = run.steps.find((step) => step.status === 'failed');
    assert.match(JSON.stringify(failed.error), /the state has more than 262144 values/);
    assert.ok(told.text.length > 0, 'the visitor is told');
    await others();
  });

  test('a body of many values is refused by name', async () => {
    const yaml = JSON.parse(ones(300_000));
    const { status, body } = await bench.admin.call('POST', '/agents/validate', { yaml });
    assert.equal(status, 413);
    assert.match(body.detail, /more than 262144 values/);
  });

  test('an MCP server that does the same', async () => {
    const odd = await McpServer.start();
    const server = { name: 'odd', url: odd.url, allow_private: true, allow: ['*'] };
    await bench.apply('many-mcp', { ...server, approve: { pay: 'never' }, timeout_s: 10 });
    odd.how = { note: Array(200_000).fill(1) };
    const { call } = await bench.use('many-mcp', 'odd__pay', {});
    assert.match(call.error, /more than 8192 values/);
    await odd.stop();
    await others();
  });
});
