// Arithmetic as the recordings show it: two decimals, whole numbers with one.

/** Rounds to cents. */
export const cents = (value) => Math.round((value + Number.EPSILON) * 100) / 100;

const shown = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));

/** Sums, differences, products, quotients and parentheses; no names, no calls. */
class Sum {
  constructor(text) {
    this.tokens = text.match(/\d*\.?\d+|[-+*/()]/g) ?? [];
    this.at = 0;
  }

  take(...wanted) {
    return wanted.includes(this.tokens[this.at]) ? this.tokens[this.at++] : null;
  }

  atom() {
    if (this.take('-')) return -this.atom();
    if (this.take('+')) return this.atom();
    if (this.take('(')) {
      const inside = this.terms();
      if (!this.take(')')) throw new Error('a parenthesis is open');
      return inside;
    }
    const value = Number(this.tokens[this.at++]);
    if (Number.isNaN(value)) throw new Error('a number is missing');
    return value;
  }

  factors() {
    let value = this.atom();
    for (let sign; (sign = this.take('*', '/')); )
      value = sign === '*' ? value * this.atom() : value / this.atom();
    return value;
  }

  terms() {
    let value = this.factors();
    for (let sign; (sign = this.take('+', '-')); )
      value = sign === '+' ? value + this.factors() : value - this.factors();
    return value;
  }
}

export function calculate({ expression }) {
  if (!/^[-+*/(). 0-9]*$/.test(expression)) return 'Error: invalid characters in expression';
  try {
    const sum = new Sum(expression);
    const value = sum.terms();
    if (sum.at < sum.tokens.length) throw new Error('something is left over');
    return shown(cents(value));
  } catch (e) {
    return `Error: ${e.message}`;
  }
}
