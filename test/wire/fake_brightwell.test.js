// The scenario `brightwell` through both vendors' SDKs: a small agent loop stands in for Rapport,
// with the tools a contact's order problem needs.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import Anthropic from 'anthropic-sdk-2023';
import OpenAI from 'openai';
import { FakeLlm } from '../fake/llm/fake.js';

const ORDER_NUMBER = { type: 'string', pattern: '^BW-[0-9]{5}$', description: 'Order number' };
const object = (properties) => ({
  type: 'object',
  required: Object.keys(properties),
  additionalProperties: false,
  properties,
});
const SCHEMAS = {
  get_order: object({ order_number: ORDER_NUMBER }),
  cancel_order: object({
    order_number: ORDER_NUMBER,
    reason: { type: 'string', minLength: 3, description: 'Why the order is no longer wanted' },
  }),
  change_seats: object({ seats: { type: 'integer', minimum: 1 } }),
  search_knowledge: object({ query: { type: 'string' } }),
  request_handover: { type: 'object', properties: { reason: { type: 'string' } } },
};
const ORDER = {
  number: 'BW-10421',
  state: 'is being prepared in our Venlo warehouse',
  item_summary: '2 × Handheld scanner',
  total_cents: 129_900,
  currency: 'EUR',
  placed_at: Date.UTC(2026, 10, 12),
};
const PASSAGE = {
  n: 1,
  title: 'Pair a scanner',
  text: '# Pair a scanner\nHold the trigger for eight seconds. The light blinks blue. Now scan it.',
};

function runTool(name, args, state) {
  state.calls.push([name, args]);
  if (name === 'get_order')
    return args.order_number === ORDER.number
      ? ORDER
      : { error: { code: 'refused', detail: `I can't find order ${args.order_number}.` } };
  if (name === 'cancel_order' && !state.confirmed)
    return { status: 'confirmation_required', confirm: 'Shall I cancel order BW-10421?' };
  if (name === 'search_knowledge') return { items: [PASSAGE] };
  return name === 'cancel_order' ? { ...ORDER } : { ok: true };
}

/** One turn over Anthropic's format; earlier turns are sent as texts only, as Rapport does. */
async function anthropicTurn(url, texts, state) {
  const client = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });
  const tools = Object.entries(SCHEMAS).map(([name, input_schema]) => ({ name, input_schema }));
  const messages = texts.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }));
  for (let step = 0; step < 6; step++) {
    const body = { model: 'claude-sonnet-5-5', max_tokens: 500, tools, messages };
    const { content } = await client.messages.stream(body).finalMessage();
    const calls = content.filter((block) => block.type === 'tool_use');
    if (!calls.length) return content[0].text;
    messages.push({ role: 'assistant', content });
    const results = calls.map((call) => ({
      type: 'tool_result',
      tool_use_id: call.id,
      content: JSON.stringify(runTool(call.name, call.input, state)),
    }));
    messages.push({ role: 'user', content: results });
  }
  throw new Error('the model never answered');
}

async function openaiTurn(url, texts, state) {
  const client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 });
  const tools = Object.entries(SCHEMAS).map(([name, parameters]) => ({
    type: 'function',
    function: { name, parameters },
  }));
  const messages = texts.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }));
  for (let step = 0; step < 6; step++) {
    const body = { model: 'gpt-5.4', tools, messages };
    const { choices } = await client.chat.completions.stream(body).finalChatCompletion();
    const { message } = choices[0];
    if (!message.tool_calls?.length) return message.content;
    messages.push({ role: 'assistant', content: null, tool_calls: message.tool_calls });
    for (const call of message.tool_calls) {
      const args = JSON.parse(call.function.arguments);
      const content = JSON.stringify(runTool(call.function.name, args, state));
      messages.push({ role: 'tool', tool_call_id: call.id, content });
    }
  }
  throw new Error('the model never answered');
}

let fake;
before(async () => void (fake = await FakeLlm.start({ script: { builtin: 'brightwell' } })));
after(() => fake.close());
beforeEach(() => fake.load({ builtin: 'brightwell' }));

for (const [wire, turn] of [
  ['anthropic', anthropicTurn],
  ['openai', openaiTurn],
])
  describe(wire, () => {
    let state;
    let texts;
    const say = async (text) => {
      texts.push(text);
      texts.push(await turn(fake.url, texts, state));
      return texts.at(-1);
    };
    beforeEach(() => {
      state = { calls: [], confirmed: false };
      texts = [];
    });

    test('an order is cancelled: number, look, reason, question, yes', async () => {
      assert.match(await say("I'd like to cancel my order"), /Which order/);
      const looked = await say("it's bw-10421");
      assert.match(looked, /BW-10421.*€1,299\.00.*12 November 2026.*May I ask why/s);
      assert.match(await say('We ordered twice'), /Shall I cancel order BW-10421\?/);
      state.confirmed = true;
      assert.match(await say('yes please'), /Done: order BW-10421 is cancelled/);
      assert.deepEqual(state.calls.at(-1), [
        'cancel_order',
        { order_number: 'BW-10421', reason: 'We ordered twice' },
      ]);
    });

    test('a "no" cancels nothing', async () => {
      await say('Cancel order BW-10421 because we ordered twice');
      assert.match(await say('no, leave it'), /leave it as it is/);
      assert.deepEqual(
        state.calls.map(([name]) => name),
        ['cancel_order'],
      );
    });

    test('everything said at once needs no question', async () => {
      await say('Cancel order BW-10421 because we ordered twice');
      assert.deepEqual(state.calls.at(-1)[1].reason, 'we ordered twice');
    });

    test('a refusal of the tool is passed on, a look is enough for a question', async () => {
      assert.match(await say('Where is order BW-99999?'), /can't find order BW-99999/);
      assert.match(await say('And BW-10421?'), /is being prepared/);
    });

    test('what is not about records is answered from the help centre, cited', async () => {
      const answer = await say('How do I pair a scanner with the app?');
      assert.equal(
        answer,
        'Hold the trigger for eight seconds. The light blinks blue. Now scan it. [1]',
      );
    });

    test('a person is brought in at once, also in the middle of something', async () => {
      await say('Cancel my order');
      assert.match(await say('I want to talk to a human'), /colleague/);
      assert.equal(state.calls.at(-1)[0], 'request_handover');
    });

    test('small talk calls no tool', async () => {
      assert.match(await say('Good morning'), /What can I do/);
      assert.match(await say('thanks a lot'), /welcome/);
      assert.equal(state.calls.length, 0);
    });
  });
