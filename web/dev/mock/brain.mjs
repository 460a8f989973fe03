// The scripted agent of the mock: an order problem with slot question, tool, confirmation,
// a cited answer and a request for a person.
import { addMessage, cite, documents, makeRun, orders } from './data.mjs';

const money = (cents) => `€${(cents / 100).toFixed(2)}`;
const date = (ms) =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' }).format(ms);

/** Returns what the agent says next and what its run consisted of. */
export function think(conversation, text) {
  const number = /BW-\d{5}/i.exec(text)?.[0]?.toUpperCase();
  const flow = conversation.flow;
  const say = (answer, more = {}) => ({
    text: answer,
    asked: text,
    intent: 'order_status',
    ...more,
  });

  if (/\b(person|human|someone|colleague|agent)\b/i.test(text) && !/about/i.test(text))
    return say('I am asking a colleague to join you here.', {
      intent: 'human_request',
      handover: true,
      escalate: true,
    });
  if (flow?.kind === 'cancel') {
    if (!flow.number) {
      if (!number)
        return say('That does not look like an order number. It has the form BW-10421.', {
          intent: 'cancel_order',
        });
      flow.number = number;
      return say('Why would you like to cancel it?', { intent: 'cancel_order' });
    }
    if (!flow.reason) {
      flow.reason = text;
      return say(
        `Shall I cancel order **${flow.number}**? Once cancelled it can't be restored; you would have to order again.`,
        { intent: 'cancel_order' },
      );
    }
    conversation.flow = null;
    if (!/^\s*(y|yes|ok|sure|please|go)/i.test(text))
      return say('All right, nothing was changed.', { intent: 'cancel_order' });
    const order = orders.find((o) => o.number === flow.number);
    if (!order)
      return say(`I can't find order ${flow.number} under your account.`, {
        intent: 'cancel_order',
      });
    order.status = 'cancelled';
    return say(
      `Done: order **${order.number}** is cancelled and ${money(order.total_cents)} goes back to you.`,
      {
        intent: 'cancel_order',
        tool: {
          name: 'cancel_order',
          arguments: { order_number: order.number, reason: flow.reason },
          result: {
            number: order.number,
            status: 'cancelled',
            refund_cents: order.total_cents,
            currency: 'EUR',
          },
        },
      },
    );
  }
  if (/cancel/i.test(text)) {
    conversation.flow = { kind: 'cancel', number: number ?? null, reason: null };
    return say(
      number
        ? 'Why would you like to cancel it?'
        : 'Which order is it? The number looks like BW-10421; you will find it in the confirmation e-mail.',
      { intent: 'cancel_order' },
    );
  }
  if (number || /order|package|parcel/i.test(text)) {
    if (!number)
      return say(
        'Which order is it? The number looks like BW-10421; you will find it in the confirmation e-mail.',
      );
    const order = orders.find((o) => o.number === number);
    if (!order)
      return say(`I can't find order ${number} under your account. Could you check the number?`, {
        tool: {
          name: 'get_order',
          arguments: { order_number: number },
          result: null,
          status: 'refused',
          error: 'not found',
        },
      });
    const state = {
      processing: 'is being prepared in our Venlo warehouse',
      shipped: 'is on its way to you',
      delivered: 'has arrived',
      cancelled: 'was cancelled, so nothing will be sent',
    }[order.status];
    return say(
      `Order **${order.number}** (${order.item_summary}, ${money(order.total_cents)}), placed on ${date(order.placed_at)}, ${state}. Expected: ${date(order.expected_at)}.`,
      {
        tool: {
          name: 'get_order',
          arguments: { order_number: number },
          result: { number, status: order.status, total_cents: order.total_cents, currency: 'EUR' },
        },
      },
    );
  }
  if (/return|refund|send back/i.test(text)) {
    const [policy, cancel] = documents;
    return say(
      'You can return goods within **30 days** of delivery, in their original box [1]. Refunds take up to five working days after the parcel has reached us [1]. While an order is still being prepared it can simply be cancelled [2].',
      {
        intent: 'return_policy',
        passages: [policy, cancel].map((d, i) => ({
          document_id: d.id,
          title: d.title,
          text: d.text,
          score: 0.92 - i * 0.2,
          start: 0,
          end: d.text.length,
        })),
        citations: [
          cite(
            1,
            policy,
            'Goods can be returned within 30 days of delivery, in their original box. We send a prepaid label by e-mail.',
          ),
          cite(
            2,
            cancel,
            'An order can be cancelled or its address changed for as long as it is being prepared.',
          ),
        ],
      },
    );
  }
  if (/scanner|pair/i.test(text))
    return say(
      '1. Hold the trigger for eight seconds until the light blinks blue [1].\n2. Open the app and choose **Devices → Pair a scanner**.\n3. Hold the scanner over the code on the screen.\n\nIf that fails, remove the scanner in the Bluetooth settings first.',
      {
        intent: 'scanner_pairing',
        citations: [
          cite(1, documents[2], 'Hold the trigger for eight seconds until the light blinks blue.'),
        ],
      },
    );
  return say(
    'I am not sure that I understood. I can look up an order, start a return or ask a colleague.',
    { intent: 'unknown', confidence: 0.31 },
  );
}

/** One turn: typing, pieces of the answer, then the message. */
export async function turn(conversation, text, tell) {
  tell.chat({ type: 'typing', who: 'ai', name: 'Robin' });
  await pause(Number(process.env.MOCK_THINK_MS ?? 500));
  const thought = think(conversation, text);
  const run = makeRun(conversation, thought);
  tell.live('agent_run_events', 'run_started', {
    conversation_id: conversation.id,
    run_id: run.id,
  });
  for (const piece of thought.text.match(/\S+\s*/g) ?? []) {
    if (conversation.owner === 'human') return tell.both({ type: 'retract', turn: run.id });
    tell.both({ type: 'delta', turn: run.id, text: piece });
    await pause(Number(process.env.MOCK_WORD_MS ?? 35));
  }
  if (conversation.owner === 'human') return tell.both({ type: 'retract', turn: run.id });
  tell.message(
    addMessage(conversation, 'ai', thought.text, {
      run_id: run.id,
      citations: thought.citations ?? [],
    }),
  );
  if (thought.handover) tell.handover('user_requested');
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
