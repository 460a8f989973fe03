// The shop's tools over its database { users, orders, products }; as in airline.js, what is checked
// is what the ground-truth actions show.
import { calculate, cents } from './money.js';
import { found, refuse } from './refusal.js';

const REASONS = ['no longer needed', 'ordered by mistake'];

const isGiftCard = (id) => id.includes('gift_card');
const userOf = (db, order) => db.users[order.user_id];

function orderIn(db, id, status, word) {
  const order = found(db.orders, id, 'order');
  if (order.status !== status) refuse(`non-${status} order cannot be ${word}`);
  return order;
}

const methodOf = (db, order, id) => found(userOf(db, order).payment_methods, id, 'payment method');

/** Adds to a gift card; nothing else has a balance. */
function credit(db, order, id, amount) {
  const method = userOf(db, order).payment_methods[id];
  if (isGiftCard(id)) method.balance = cents(method.balance + amount);
}

function cancel(db, { order_id: id, reason }) {
  const order = orderIn(db, id, 'pending', 'cancelled');
  if (!REASONS.includes(reason)) refuse('invalid reason');
  const refunds = order.payment_history.map(({ amount, payment_method_id: method }) => {
    credit(db, order, method, amount);
    return { transaction_type: 'refund', amount, payment_method_id: method };
  });
  order.status = 'cancelled';
  order.cancel_reason = reason;
  order.payment_history.push(...refunds);
  return order;
}

const count = (list, wanted) => list.filter((one) => one === wanted).length;

function checkOwned(order, ids, complaint) {
  const owned = order.items.map((item) => item.item_id);
  for (const id of ids) if (count(ids, id) > count(owned, id)) refuse(complaint(id));
}

/** Pairs of an item and the variant that replaces it, and the difference in price. */
function swaps(db, order, ids, newIds) {
  checkOwned(order, ids, (id) => `${id} not found`);
  if (ids.length !== newIds.length) refuse('the number of items to be exchanged should match');
  let difference = 0;
  const pairs = ids.map((id, i) => {
    const item = order.items.find((one) => one.item_id === id);
    const variant = db.products[item.product_id].variants[newIds[i]];
    if (!variant?.available) refuse(`new item ${newIds[i]} not found or available`);
    difference += variant.price - item.price;
    return { item, id, variant };
  });
  return { pairs, difference };
}

function exchange(db, args) {
  const order = orderIn(db, args.order_id, 'delivered', 'exchanged');
  const swap = swaps(db, order, args.item_ids, args.new_item_ids);
  const difference = cents(swap.difference);
  const method = methodOf(db, order, args.payment_method_id);
  if (method.source === 'gift_card' && method.balance < difference)
    refuse('insufficient gift card balance to pay for the price difference');
  order.status = 'exchange requested';
  order.exchange_items = [...args.item_ids].sort();
  order.exchange_new_items = [...args.new_item_ids].sort();
  order.exchange_payment_method_id = args.payment_method_id;
  order.exchange_price_difference = difference;
  return order;
}

function modifyItems(db, args) {
  const order = orderIn(db, args.order_id, 'pending', 'modified');
  const { pairs, difference } = swaps(db, order, args.item_ids, args.new_item_ids);
  const method = methodOf(db, order, args.payment_method_id);
  if (method.source === 'gift_card' && method.balance < difference)
    refuse('insufficient gift card balance to pay for the new item');
  order.payment_history.push({
    transaction_type: difference > 0 ? 'payment' : 'refund',
    amount: Math.abs(difference),
    payment_method_id: args.payment_method_id,
  });
  credit(db, order, args.payment_method_id, -difference);
  for (const { id, variant } of pairs) {
    const item = order.items.find((one) => one.item_id === id);
    Object.assign(item, {
      item_id: variant.item_id,
      price: variant.price,
      options: variant.options,
    });
  }
  order.status = 'pending (item modified)';
  return order;
}

const addressOf = ({ address1, address2, city, state, country, zip }) => ({
  address1,
  address2,
  city,
  state,
  country,
  zip,
});

function modifyAddress(db, args) {
  const order = orderIn(db, args.order_id, 'pending', 'modified');
  order.address = addressOf(args);
  return order;
}

function modifyPayment(db, { order_id: id, payment_method_id: next }) {
  const order = orderIn(db, id, 'pending', 'modified');
  const method = methodOf(db, order, next);
  const [first] = order.payment_history;
  if (order.payment_history.length > 1 || first.transaction_type !== 'payment')
    refuse('there should be exactly one payment for a pending order');
  const before = first.payment_method_id;
  if (before === next) refuse('the new payment method should be different from the current one');
  const { amount } = first;
  if (method.source === 'gift_card' && method.balance < amount)
    refuse('insufficient gift card balance to pay for the order');
  order.payment_history.push(
    { transaction_type: 'payment', amount, payment_method_id: next },
    { transaction_type: 'refund', amount, payment_method_id: before },
  );
  credit(db, order, next, -amount);
  credit(db, order, before, amount);
  return order;
}

function modifyUserAddress(db, args) {
  const user = found(db.users, args.user_id, 'user');
  user.address = addressOf(args);
  return user;
}

function giveBack(db, args) {
  const order = orderIn(db, args.order_id, 'delivered', 'returned');
  methodOf(db, order, args.payment_method_id);
  const [first] = order.payment_history;
  if (!isGiftCard(args.payment_method_id) && args.payment_method_id !== first.payment_method_id)
    refuse('payment method should be either the original payment method or a gift card');
  checkOwned(order, args.item_ids, () => 'some item not found');
  order.status = 'return requested';
  order.return_items = [...args.item_ids].sort();
  order.return_payment_method_id = args.payment_method_id;
  return order;
}

const same = (a, b) => a.toLowerCase() === b.toLowerCase();

function findUser(db, wanted) {
  const hit = Object.entries(db.users).find(([, user]) => wanted(user));
  return hit ? hit[0] : refuse('user not found');
}

const byName = (db, args) =>
  findUser(
    db,
    ({ name, address }) =>
      same(name.first_name, args.first_name) &&
      same(name.last_name, args.last_name) &&
      address.zip === args.zip,
  );

const productTypes = (db) =>
  Object.fromEntries(
    Object.values(db.products)
      .map(({ name, product_id: id }) => [name, id])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

export const RETAIL = {
  calculate: (db, args) => calculate(args),
  cancel_pending_order: cancel,
  exchange_delivered_order_items: exchange,
  find_user_id_by_email: (db, { email }) => findUser(db, (user) => same(user.email, email)),
  find_user_id_by_name_zip: byName,
  get_order_details: (db, args) => found(db.orders, args.order_id, 'order'),
  get_product_details: (db, args) => found(db.products, args.product_id, 'product'),
  get_user_details: (db, args) => found(db.users, args.user_id, 'user'),
  list_all_product_types: productTypes,
  modify_pending_order_address: modifyAddress,
  modify_pending_order_items: modifyItems,
  modify_pending_order_payment: modifyPayment,
  modify_user_address: modifyUserAddress,
  return_delivered_order_items: giveBack,
  think: () => '',
  transfer_to_human_agents: () => 'Transfer successful',
};

export const RETAIL_CHANGES = new Set([
  'cancel_pending_order',
  'exchange_delivered_order_items',
  'modify_pending_order_address',
  'modify_pending_order_items',
  'modify_pending_order_payment',
  'modify_user_address',
  'return_delivered_order_items',
]);
