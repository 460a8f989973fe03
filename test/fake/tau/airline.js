// The airline's tools over its database { users, flights, reservations }. What they check and what
// they leave unchecked is what the recorded conversations and ground-truth actions show: policy is
// the agent's to keep, not the tools'.
import { calculate } from './money.js';
import { found, refuse } from './refusal.js';

const NOW = '2024-05-15T15:00:00';
const NEW_RESERVATIONS = ['HATHAT', 'HATHAU', 'HATHAV'];
const NEW_CERTIFICATES = ['certificate_3221322', 'certificate_3221323', 'certificate_3221324'];
const BAG_PRICE = 50;
const INSURANCE_PRICE = 30;

const AIRPORTS = {
  SFO: 'San Francisco',
  JFK: 'New York',
  LAX: 'Los Angeles',
  ORD: 'Chicago',
  DFW: 'Dallas',
  DEN: 'Denver',
  SEA: 'Seattle',
  ATL: 'Atlanta',
  MIA: 'Miami',
  BOS: 'Boston',
  PHX: 'Phoenix',
  IAH: 'Houston',
  LAS: 'Las Vegas',
  MCO: 'Orlando',
  EWR: 'Newark',
  CLT: 'Charlotte',
  MSP: 'Minneapolis',
  DTW: 'Detroit',
  PHL: 'Philadelphia',
  LGA: 'LaGuardia',
};

const sum = (numbers) => numbers.reduce((total, n) => total + n, 0);

/** One leg with the price of today, if it can still be booked by so many. */
function priced(db, { flight_number: number, date }, cabin, seats) {
  const flight = found(db.flights, number, `flight ${number}`);
  const day = flight.dates[date] ?? refuse(`flight ${number} not found on date ${date}`);
  if (day.status !== 'available') refuse(`flight ${number} not available on date ${date}`);
  if (day.available_seats[cabin] < seats) refuse(`not enough seats on flight ${number}`);
  return { price: day.prices[cabin], origin: flight.origin, destination: flight.destination };
}

function book(db, args) {
  const user = found(db.users, args.user_id, 'user');
  const seats = args.passengers.length;
  const flights = args.flights.map((leg) => ({ ...leg, ...priced(db, leg, args.cabin, seats) }));
  const insured = args.insurance === 'yes' ? INSURANCE_PRICE * seats : 0;
  const bags = BAG_PRICE * args.nonfree_baggages;
  const total = sum(flights.map((leg) => leg.price * seats)) + insured + bags;
  for (const { payment_id: id, amount } of args.payment_methods) {
    const method = found(user.payment_methods, id, `payment method ${id}`);
    if (method.source !== 'credit_card' && method.amount < amount)
      refuse(`not enough balance in payment method ${id}`);
  }
  const paid = sum(args.payment_methods.map((one) => one.amount));
  if (paid !== total)
    refuse(`payment amount does not add up, total price is ${total}, but paid ${paid}`);
  for (const { payment_id: id, amount } of args.payment_methods) {
    const method = user.payment_methods[id];
    if (method.source === 'gift_card') method.amount -= amount;
    else if (method.source === 'certificate') delete user.payment_methods[id];
  }
  const id = NEW_RESERVATIONS.find((one) => !db.reservations[one]) ?? NEW_RESERVATIONS.at(-1);
  db.reservations[id] = {
    reservation_id: id,
    user_id: args.user_id,
    origin: args.origin,
    destination: args.destination,
    flight_type: args.flight_type,
    cabin: args.cabin,
    flights,
    passengers: args.passengers,
    payment_history: args.payment_methods,
    created_at: NOW,
    total_baggages: args.total_baggages,
    nonfree_baggages: args.nonfree_baggages,
    insurance: args.insurance,
  };
  user.reservations.push(id);
  return db.reservations[id];
}

function cancel(db, { reservation_id: id }) {
  const reservation = found(db.reservations, id, 'reservation');
  const refunds = reservation.payment_history.map((one) => ({
    payment_id: one.payment_id,
    amount: -one.amount,
  }));
  reservation.payment_history.push(...refunds);
  reservation.status = 'cancelled';
  return reservation;
}

/** Takes a difference in price, or gives it back, by one card or gift card. */
function settle(db, reservation, paymentId, total) {
  const { payment_methods: methods } = db.users[reservation.user_id];
  const method = found(methods, paymentId, 'payment method');
  if (method.source === 'certificate') refuse('certificate cannot be used to update reservation');
  if (method.source === 'gift_card') {
    if (method.amount < total) refuse('gift card balance is not enough');
    method.amount -= total;
  }
  if (total !== 0) reservation.payment_history.push({ payment_id: paymentId, amount: total });
}

function changeBags(db, args) {
  const reservation = found(db.reservations, args.reservation_id, 'reservation');
  const more = Math.max(0, args.nonfree_baggages - reservation.nonfree_baggages);
  settle(db, reservation, args.payment_id, BAG_PRICE * more);
  reservation.total_baggages = args.total_baggages;
  reservation.nonfree_baggages = args.nonfree_baggages;
  return reservation;
}

function changeFlights(db, args) {
  const reservation = found(db.reservations, args.reservation_id, 'reservation');
  const seats = reservation.passengers.length;
  const flights = args.flights.map((leg) => {
    const kept = reservation.flights.find(
      (one) =>
        one.flight_number === leg.flight_number &&
        one.date === leg.date &&
        args.cabin === reservation.cabin,
    );
    const { price, origin, destination } = kept ?? priced(db, leg, args.cabin, seats);
    return { ...leg, price, origin, destination };
  });
  const before = sum(reservation.flights.map((leg) => leg.price));
  const after = sum(flights.map((leg) => leg.price));
  settle(db, reservation, args.payment_id, (after - before) * seats);
  reservation.flights = flights;
  return reservation;
}

function changePassengers(db, { reservation_id: id, passengers }) {
  const reservation = found(db.reservations, id, 'reservation');
  if (passengers.length !== reservation.passengers.length)
    refuse('number of passengers does not match');
  reservation.passengers = passengers;
  return reservation;
}

/** What can be booked of a flight on a day; `shown` is the day whose seats and prices are told. */
function offer(flight, date, shown = date) {
  const { dates, ...rest } = flight;
  return dates[date]?.status === 'available' ? { ...rest, ...dates[shown] } : null;
}

const direct = (db, { origin, destination, date }) =>
  Object.values(db.flights)
    .filter((flight) => flight.origin === origin && flight.destination === destination)
    .map((flight) => offer(flight, date))
    .filter(Boolean);

/** The day on which the second leg starts when the first lands after midnight. */
const nextDay = (date) => `2024-05-${Number(date.slice(-2)) + 1}`;

function onestop(db, { origin, destination, date }) {
  const all = Object.values(db.flights);
  const trips = [];
  for (const first of all.filter((flight) => flight.origin === origin)) {
    const arrival = first.scheduled_arrival_time_est;
    const day = arrival.includes('+1') ? nextDay(date) : date;
    for (const second of all) {
      if (second.destination !== destination || second.origin !== first.destination) continue;
      if (arrival > second.scheduled_departure_time_est) continue;
      // a second leg after midnight tells the first day's seats and prices: so it was recorded
      const [a, b] = [offer(first, date), offer(second, day, date)];
      if (a && b) trips.push([{ ...a, date }, { ...b, date: day }]);
    }
  }
  return trips;
}

function sendCertificate(db, { user_id: userId, amount }) {
  const user = found(db.users, userId, 'user');
  const id = NEW_CERTIFICATES.find((one) => !user.payment_methods[one]);
  user.payment_methods[id] = { source: 'certificate', amount, id };
  return `Certificate ${id} added to user ${userId} with amount ${amount}.`;
}

export const AIRLINE = {
  book_reservation: book,
  calculate: (db, args) => calculate(args),
  cancel_reservation: cancel,
  get_reservation_details: (db, args) => found(db.reservations, args.reservation_id, 'user'),
  get_user_details: (db, args) => found(db.users, args.user_id, 'user'),
  list_all_airports: () => AIRPORTS,
  search_direct_flight: direct,
  search_onestop_flight: onestop,
  send_certificate: sendCertificate,
  think: () => '',
  transfer_to_human_agents: () => 'Transfer successful',
  update_reservation_baggages: changeBags,
  update_reservation_flights: changeFlights,
  update_reservation_passengers: changePassengers,
};

export const AIRLINE_CHANGES = new Set([
  'book_reservation',
  'cancel_reservation',
  'send_certificate',
  'update_reservation_baggages',
  'update_reservation_flights',
  'update_reservation_passengers',
]);
