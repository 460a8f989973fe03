// The peer of bench_llm: the openai SDK and a bare HTTP request of node against the same local server, in
// turns. PORT. Prints what the SDK adds, one call at a time.
import { Agent, request } from 'node:http';
import OpenAI from 'openai';
import { figure } from '../../figure.js';

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true });
const client = new OpenAI({ apiKey: 'sk-bench', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
const messages = [
  { role: 'system', content: 'You are the support assistant of Brightwell, a maker of lamps. '.repeat(8) },
  { role: 'user', content: 'One of them flickers when it is dimmed below a third. Is that known?' },
];
const ROUNDS = 5;
const CALLS = 300;

function bare(stream) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ model: 'bench-1', messages, stream });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const out = request({ port, agent, method: 'POST', path: '/v1/chat/completions', headers }, (answer) => {
      answer.on('data', () => {});
      answer.on('end', resolve);
    });
    out.on('error', reject);
    out.end(body);
  });
}

async function sdk(stream) {
  const answer = await client.chat.completions.create({ model: 'bench-1', messages, stream });
  let text = stream ? '' : answer.choices[0].message.content;
  if (stream) for await (const chunk of answer) text += chunk.choices[0]?.delta?.content ?? '';
  if (text.length < 200) throw new Error('another answer came than the server gives');
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function round(call, stream, took) {
  for (let i = 0; i < CALLS; i++) {
    const began = process.hrtime.bigint();
    await call(stream);
    took.push(Number(process.hrtime.bigint() - began) / 1e3);
  }
}

for (const stream of [false, true]) {
  const plain = [];
  const full = [];
  await round(bare, stream, []);
  await round(sdk, stream, []);
  let cpu = process.cpuUsage();
  let spent = 0;
  for (let i = 0; i < ROUNDS; i++) {
    await round(bare, stream, plain);
    cpu = process.cpuUsage();
    await round(sdk, stream, full);
    const used = process.cpuUsage(cpu);
    spent += used.user + used.system;
  }
  figure({
    what: `peer: openai SDK, ${stream ? 'streamed' : 'whole'}, adds to node's own`,
    value: median(full) - median(plain),
    unit: 'us',
    cpuUs: spent / ROUNDS / CALLS,
  });
}
process.exit(0);
